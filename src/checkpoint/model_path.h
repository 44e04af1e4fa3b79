// What somebody who names a model may mean by a path: a model's directory, a GGUF file or any part of a split
// one, a folder with one GGUF file in it, or the cache folder of Hugging Face's tools.
//
//   GATEHOUSE_ASSIGN(const ModelPath found, FindModel("models--meta-llama--Llama-Guard-3-1B"));
//   found.path;  // ".../snapshots/7327bd9f6e..."
#pragma once

#include <string>

#include "checkpoint/weights.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct ModelPath {
  Checkpoint::Kind kind = Checkpoint::Kind::kHuggingFace;
  std::string path;  // the directory, or the GGUF file
};

// Errors: kModel (nothing there, several models, files of another kind, which are named).
Result<ModelPath> FindModel(const std::string& path);

}  // namespace gatehouse

// TensorSource: all tensors of a Hugging Face model directory, whichever way it is cut into files.
//
//   GATEHOUSE_ASSIGN(TensorSource source, TensorSource::Open("models/llama-guard-4"));
//   const TensorView* head = source.Find("language_model.lm_head.weight");
//
// Reads model.safetensors.index.json with its shards, else model.safetensors, else every *.safetensors there.
// Views stay good as long as the source, or a copy of its owner(), lives.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.h"

namespace gatehouse {

class TensorSource {
 public:
  // Errors: kModel (no such files, a bad file, a name in two files, an index that does not fit its shards).
  static Result<TensorSource> Open(const std::string& directory);

  const TensorView* Find(std::string_view name) const;  // null: no such tensor
  std::vector<std::string> Names() const;               // sorted
  const TensorMap& tensors() const { return *tensors_; }
  std::shared_ptr<const void> owner() const { return files_; }
  const std::string& directory() const { return directory_; }
  // The file that holds a tensor, for messages; empty: none.
  std::string FileOf(std::string_view name) const;

 private:
  std::string directory_;
  std::shared_ptr<std::vector<SafetensorsFile>> files_;
  std::shared_ptr<TensorMap> tensors_;
};

}  // namespace gatehouse

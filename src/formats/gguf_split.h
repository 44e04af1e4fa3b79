// GGUF models in parts, as gguf-split and llama.cpp's converter write them: model-00001-of-00003.gguf has the
// metadata, each part has some of the tensors.
//
//   SplitNameOf("m-00002-of-00003.gguf");  // {"m", 2, 3}
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "formats/gguf.h"

namespace gatehouse {

struct GgufSplitName {
  std::string stem;  // with its directories
  int64_t number;    // from 1
  int64_t count;
};

std::optional<GgufSplitName> SplitNameOf(const std::string& path);  // nothing: no such name
std::string SplitPath(const GgufSplitName& split, int64_t number);  // of another part

}  // namespace gatehouse

// What a GGUF file of architecture "llama" says about its model: dimensions, and the parts of its
// tokenizer. What its tensors are is in model/tensor_table.h.
//
//   GATEHOUSE_ASSIGN(ModelConfig config, ModelConfigFromGguf(file));
//   GATEHOUSE_ASSIGN(GgufTokenizer tokenizer, ReadGgufTokenizer(file));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/model_config.h"

namespace gatehouse {

// Errors: kModel (another architecture, experts, missing or contradicting keys).
Result<ModelConfig> ModelConfigFromGguf(const GgufFile& file);

// GGUF stores the rows of q and k so that a rotary pair lies side by side; a Hugging Face checkpoint has a
// head's first halves, then its second ones. Row r of the latter is this row of the former.
inline int64_t GgufRopeRow(int64_t row, int64_t head_dim) {
  const int64_t half = head_dim / 2, in_head = row % head_dim;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

// Views point into the file.
struct GgufTokenizer {
  std::string_view model;                // "gpt2"
  std::string_view pre;                  // "smollm"; empty: no such key
  std::vector<std::string_view> tokens;  // in GPT-2's printable alphabet
  std::vector<int64_t> token_types;      // 3: control, 4: user-defined; empty: none given
  std::vector<std::string_view> merges;  // "left right", in order of rank
  int64_t bos = -1;
  int64_t eos = -1;
  int64_t eot = -1;
};
Result<GgufTokenizer> ReadGgufTokenizer(const GgufFile& file);

}  // namespace gatehouse

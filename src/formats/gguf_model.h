// What a GGUF file of architecture "llama" says about its model: dimensions, Hugging Face names of its
// tensors, and the parts of its tokenizer.
//
//   GATEHOUSE_ASSIGN(ModelConfig config, ModelConfigFromGguf(file));
//   HuggingFaceName("blk.3.attn_q.weight");  // "model.layers.3.self_attn.q_proj.weight"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/model_config.h"

namespace gatehouse {

// Errors: kModel (another architecture, experts, missing or contradicting keys).
Result<ModelConfig> ModelConfigFromGguf(const GgufFile& file);

// Empty: no tensor of a llama model. "rope_freqs.weight" keeps its name: it is part of the config, not a
// weight.
std::string HuggingFaceName(std::string_view gguf_name);

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

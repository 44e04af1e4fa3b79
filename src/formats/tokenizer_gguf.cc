#include "base/error.h"
#include "formats/byte_alphabet.h"
#include "formats/token_map.h"
#include "formats/tokenizer_model.h"

namespace gatehouse {
namespace {

enum GgufTokenType : int32_t { kControl = 3, kUserDefined = 4, kUnused = 5 };

Result<void> SetPreTokenizer(const std::string& pre, const std::string& name, TokenizerData* data) {
  if (pre == "smollm") {
    data->pre_tokenizer = PreTokenizer::kSmolLMOnePass;
  } else if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") {
    data->pre_tokenizer = PreTokenizer::kLlama3;
    data->whole_piece_first = true;
  } else if (pre == "llama4") {
    data->pre_tokenizer = PreTokenizer::kO200k;
    data->whole_piece_first = true;
  } else if (pre.empty() || pre == "default" || pre == "gpt-2") {
    data->pre_tokenizer = PreTokenizer::kGpt2;
  } else {
    return ModelError("unknown pre-tokenizer", name + ", tokenizer.ggml.pre",
                      "smollm, llama-bpe, llama4 or gpt-2", pre);
  }
  return {};
}

}  // namespace

Result<TokenizerData> ReadTokenizerGguf(const GgufTokenizerArrays& arrays, const std::string& name) {
  TokenizerData data;
  GATEHOUSE_TRY(SetPreTokenizer(arrays.pre, name, &data));
  if (arrays.tokens.size() >= (1 << 20)) {
    return ModelError("too many tokens", name + ", tokenizer.ggml.tokens", "below 1048575",
                      std::to_string(arrays.tokens.size()));
  }
  if (!arrays.token_types.empty() && arrays.token_types.size() != arrays.tokens.size()) {
    return ModelError("token types and tokens differ in number", name + ", tokenizer.ggml.token_type",
                      std::to_string(arrays.tokens.size()), std::to_string(arrays.token_types.size()));
  }
  data.vocab_size = static_cast<int32_t>(arrays.tokens.size());
  data.tokens.resize(arrays.tokens.size());
  for (size_t id = 0; id < arrays.tokens.size(); ++id) {
    const std::string& text = arrays.tokens[id];
    const int32_t type = arrays.token_types.empty() ? 1 : arrays.token_types[id];
    if (type == kControl || type == kUserDefined) {
      data.controls.push_back({text, static_cast<int32_t>(id)});
    } else if (type != kUnused && !FromByteAlphabet(text, &data.tokens[id])) {
      data.tokens[id] = text;
    }
  }
  // Merges name tokens as the file spells them.
  const TokenMap spelt(arrays.tokens);
  data.merges.reserve(arrays.merges.size());
  for (const std::string& merge : arrays.merges) {
    const size_t space = merge.find(' ');
    const std::string_view text = merge;
    const int32_t left = space == std::string::npos ? -1 : spelt.Find(text.substr(0, space));
    const int32_t right = space == std::string::npos ? -1 : spelt.Find(text.substr(space + 1));
    if (left < 0 || right < 0) {
      return ModelError("bad merge",
                        name + ", tokenizer.ggml.merges[" + std::to_string(data.merges.size()) + "]",
                        "two tokens", "\"" + merge.substr(0, 80) + "\"");
    }
    data.merges.emplace_back(left, right);
  }
  if (data.merges.empty()) {
    return ModelError("no merges", name + ", tokenizer.ggml.merges", "a list", "none");
  }
  return data;
}

}  // namespace gatehouse

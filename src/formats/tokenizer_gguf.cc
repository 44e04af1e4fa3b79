#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "formats/byte_alphabet.h"
#include "formats/token_map.h"
#include "formats/tokenizer_model.h"

namespace gatehouse {
namespace {

enum GgufTokenType : int32_t { kControl = 3, kUserDefined = 4, kUnused = 5 };

struct Way {
  std::string_view pre;
  PreTokenizer pre_tokenizer;
  bool whole_piece_first;
};
// llama.cpp's names that stand for one of our ways to split; several names share one.
constexpr Way kWays[] = {
    {"llama-bpe", PreTokenizer::kLlama3, true},
    {"llama3", PreTokenizer::kLlama3, true},
    {"llama-v3", PreTokenizer::kLlama3, true},
    {"falcon3", PreTokenizer::kLlama3, true},
    {"falcon-h1", PreTokenizer::kLlama3, true},
    {"pixtral", PreTokenizer::kLlama3, true},
    {"midm-2.0", PreTokenizer::kLlama3, true},
    {"lfm2", PreTokenizer::kLlama3, true},
    {"jina-v5-nano", PreTokenizer::kLlama3, true},
    {"llama4", PreTokenizer::kO200k, true},
    {"smollm", PreTokenizer::kSmolLMOnePass, false},
    {"starcoder", PreTokenizer::kSmolLMOnePass, false},
    {"refact", PreTokenizer::kSmolLMOnePass, false},
    {"command-r", PreTokenizer::kSmolLMOnePass, false},
    {"codeshell", PreTokenizer::kSmolLMOnePass, false},
    {"gpt-2", PreTokenizer::kGpt2, false},
    {"phi-2", PreTokenizer::kGpt2, false},
    {"mpt", PreTokenizer::kGpt2, false},
    {"olmo", PreTokenizer::kGpt2, false},
};

constexpr const char* kWaysText = "llama-bpe, llama4, smollm, gpt-2, or a name that means one of these";

// A file from before the key was written, or one whose writer did not know the tokenizer ("default"): Llama 3
// and 4 are known by their control tokens, and by nothing less.
Result<std::string_view> GuessPre(const GgufTokenizerArrays& arrays, const std::string& name) {
  const std::string where = name + ", key 'tokenizer.ggml.pre'";
  const auto has_all = [&](std::initializer_list<const char*> texts) {
    return std::all_of(texts.begin(), texts.end(), [&](const char* text) {
      const auto found = std::find(arrays.tokens.begin(), arrays.tokens.end(), text);
      const auto at = static_cast<size_t>(found - arrays.tokens.begin());
      return at < arrays.token_types.size() &&
             (arrays.token_types[at] == kControl || arrays.token_types[at] == kUserDefined);
    });
  };
  std::string_view pre;
  if (has_all({"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}))
    pre = "llama-bpe";
  if (has_all({"<|begin_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>"})) pre = "llama4";
  if (pre.empty()) {
    return ModelError("the file does not say how text is split into tokens", where, kWaysText,
                      arrays.pre.empty() ? "no such key" : "'" + arrays.pre + "', which names no tokenizer");
  }
  Log(LogLevel::kWarn, "the file does not say how text is split into tokens (" + where + "): '" +
                           std::string(pre) + "' is taken, since its control tokens are those of " +
                           (pre == "llama4" ? "Llama 4" : "Llama 3"));
  return pre;
}

Result<void> SetPreTokenizer(const GgufTokenizerArrays& arrays, const std::string& name,
                             TokenizerData* data) {
  std::string_view pre = arrays.pre;
  if (pre.empty() || pre == "default") {
    GATEHOUSE_ASSIGN(pre, GuessPre(arrays, name));
  }
  for (const Way& way : kWays) {
    if (pre != way.pre) continue;
    data->pre_tokenizer = way.pre_tokenizer;
    data->whole_piece_first = way.whole_piece_first;
    return {};
  }
  return ModelError("unknown pre-tokenizer", name + ", key 'tokenizer.ggml.pre'", kWaysText,
                    "'" + std::string(pre.substr(0, 80)) + "'");
}

}  // namespace

Result<TokenizerData> ReadTokenizerGguf(const GgufTokenizerArrays& arrays, const std::string& name) {
  TokenizerData data;
  GATEHOUSE_TRY(SetPreTokenizer(arrays, name, &data));
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

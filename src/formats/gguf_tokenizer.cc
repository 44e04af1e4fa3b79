// The tokenizer that a GGUF file's metadata hold.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/log.h"
#include "formats/gguf_model.h"

namespace gatehouse {
namespace {

constexpr std::string_view kPrefix = "tokenizer.ggml.";

struct OtherModel {
  std::string_view name, what;
};
constexpr OtherModel kOtherModels[] = {{"llama", "a SentencePiece model, as of Llama 1 and 2"},
                                       {"replit", "a SentencePiece model"},
                                       {"bert", "a WordPiece model"},
                                       {"t5", "a Unigram model"},
                                       {"rwkv", "RWKV's greedy model"},
                                       {"plamo2", "PLaMo 2's model"},
                                       {"no_vocab", "no vocabulary at all"},
                                       {"none", "no vocabulary at all"}};

Result<void> CheckModel(const GgufFile& file, std::string_view model) {
  if (model == "gpt2") return {};
  std::string found = "'" + std::string(model.substr(0, 80)) + "'";
  for (const OtherModel& other : kOtherModels) {
    if (model == other.name) found += ", " + std::string(other.what);
  }
  return ModelError("unsupported tokenizer", file.name() + ", key 'tokenizer.ggml.model'",
                    "'gpt2', byte pairs as of Llama 3 and 4", found);
}

// Keys of a tokenizer that change no id here: prompts bring their own control tokens, and a verdict ends at
// the first of its tokens.
bool IsHarmless(std::string_view key) {
  constexpr std::array<std::string_view, 10> kNames = {
      "model",  "pre",           "tokens",        "token_type",    "scores",
      "merges", "add_bos_token", "add_eos_token", "add_sep_token", "token_type_count"};
  return key.ends_with("_token_id") || key.ends_with("_token_ids") ||
         std::find(kNames.begin(), kNames.end(), key) != kNames.end();
}

// What would change the text before it is split.
bool ChangesText(std::string_view key) {
  return key == "add_space_prefix" || key == "remove_extra_whitespaces" || key == "precompiled_charsmap" ||
         key.starts_with("normalizer");
}

Result<void> CheckOtherKeys(const GgufFile& file) {
  for (const auto& [key, value] : file.metadata()) {
    if (!std::string_view(key).starts_with(kPrefix)) continue;
    const std::string_view name = std::string_view(key).substr(kPrefix.size());
    const bool* flag = std::get_if<bool>(&value);
    if (IsHarmless(name) || (flag != nullptr && !*flag)) continue;
    const std::string where = file.name() + ", key '" + key.substr(0, 100) + "'";
    if (ChangesText(name))
      return ModelError("not supported", where, "none, or false",
                        "a text that is changed before it is split");
    Log(LogLevel::kWarn, "a key of the tokenizer that is not known is left unread: " + where);
  }
  return {};
}

}  // namespace

Result<GgufTokenizer> ReadGgufTokenizer(const GgufFile& file) {
  GgufTokenizer out;
  GATEHOUSE_ASSIGN(out.model, file.String("tokenizer.ggml.model"));
  GATEHOUSE_TRY(CheckModel(file, out.model));
  GATEHOUSE_TRY(CheckOtherKeys(file));
  GATEHOUSE_ASSIGN(out.pre, file.String("tokenizer.ggml.pre", ""));
  GATEHOUSE_ASSIGN(out.tokens, file.Strings("tokenizer.ggml.tokens"));
  GATEHOUSE_ASSIGN(out.token_types, file.Ints("tokenizer.ggml.token_type"));
  GATEHOUSE_ASSIGN(out.merges, file.Strings("tokenizer.ggml.merges"));
  GATEHOUSE_ASSIGN(out.bos, file.Int("tokenizer.ggml.bos_token_id", -1));
  GATEHOUSE_ASSIGN(out.eos, file.Int("tokenizer.ggml.eos_token_id", -1));
  GATEHOUSE_ASSIGN(out.eot, file.Int("tokenizer.ggml.eot_token_id", -1));
  if (out.tokens.empty())
    return ModelError("no tokens", file.name() + ", key 'tokenizer.ggml.tokens'", "a list", "none");
  if (!out.token_types.empty() && out.token_types.size() != out.tokens.size()) {
    return ModelError("bad length", file.name() + ", key 'tokenizer.ggml.token_type'",
                      std::to_string(out.tokens.size()), std::to_string(out.token_types.size()));
  }
  return out;
}

}  // namespace gatehouse

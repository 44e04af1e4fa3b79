// Any bytes through a small tokenizer, with every way of cutting: the ids spell the repaired text again, and
// none is a control token.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/tokenizer.h"
#include "text/utf8.h"

namespace {

using namespace gatehouse;

std::shared_ptr<const Tokenizer> Make(PreTokenizer kind) {
  TokenizerData data;
  data.pre_tokenizer = kind;
  data.whole_piece_first = kind == PreTokenizer::kO200k;
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* token :
       {"  ", "aa", "aaa", "\xEF\xBF", "\xEF\xBF\xBD", "'s", "\n\n", " a", "ab", "bc", "abc"}) {
    data.tokens.emplace_back(token);
  }
  const auto control = static_cast<int32_t>(data.tokens.size());
  data.controls = {{"<|a|>", control}};
  data.vocab_size = control + 1;
  auto tokenizer = Tokenizer::Create(std::move(data));
  return tokenizer.ok() ? tokenizer.value() : nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::shared_ptr<const Tokenizer> tokenizers[] = {
      Make(PreTokenizer::kO200k), Make(PreTokenizer::kLlama3), Make(PreTokenizer::kSmolLM),
      Make(PreTokenizer::kGpt2)};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string storage;
  const std::string_view repaired = RepairUtf8(text, &storage);
  for (const auto& tokenizer : tokenizers) {
    const auto ids = tokenizer->Encode(text);
    if (tokenizer->Decode(ids) != repaired) std::abort();
    for (const int32_t id : ids) {
      if (tokenizer->IsControl(id)) std::abort();
    }
  }
  return 0;
}

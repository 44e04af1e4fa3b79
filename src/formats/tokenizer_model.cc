#include "formats/tokenizer_model.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/file_kind.h"
#include "formats/llama_controls.h"

namespace gatehouse {
namespace {

constexpr size_t kLlama3Tokens = 128000;
constexpr size_t kLlama4Tokens = 200000;
constexpr size_t kMaxTokens = (1 << 20) - 1;

int Base64Digit(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9') return letter - '0' + 52;
  if (letter == '+') return 62;
  return letter == '/' ? 63 : -1;
}

bool DecodeBase64(std::string_view text, std::string* bytes) {
  bytes->clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  uint32_t bits = 0;
  int held = 0;
  for (const char letter : text.substr(0, text.size() - padding)) {
    const int digit = Base64Digit(letter);
    if (digit < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes->push_back(static_cast<char>(bits >> held & 0xFF));
    }
  }
  return (bits & ((1u << held) - 1)) == 0;
}

// A protocol buffer whose first field is a piece: text, score and type.
bool IsSentencePiece(std::string_view bytes) {
  return bytes.size() > 4 && bytes[0] == '\n' && bytes[2] == '\n' && bytes[1] > bytes[3] && bytes[3] > 0;
}

}  // namespace

Result<TokenizerData> ReadTokenizerModel(std::string_view bytes, const std::string& name,
                                         std::optional<TokenizerFamily> family) {
  const std::string kind = DescribeFile(bytes);
  if (!kind.empty()) return ModelError("not a tokenizer", name, "lines of base64 and rank", kind);
  if (IsSentencePiece(bytes)) {
    return ModelError("unsupported tokenizer", name, "lines of base64 and rank, as of Llama 3 and 4",
                      "a SentencePiece model, as of Llama 1 and 2");
  }
  TokenizerData data;
  data.whole_piece_first = true;
  std::string token;
  size_t number = 0;
  while (!bytes.empty()) {
    ++number;
    const size_t stop = std::min(bytes.find('\n'), bytes.size());
    std::string_view line = bytes.substr(0, stop);
    bytes.remove_prefix(std::min(stop + 1, bytes.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const std::string where = name + ", line " + std::to_string(number);
    if (space == std::string_view::npos || !DecodeBase64(line.substr(0, space), &token)) {
      return ModelError("bad line", where, "base64, a space, a rank", "something else");
    }
    const std::string_view digits = line.substr(space + 1);
    size_t rank = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (code != std::errc() || end != digits.data() + digits.size() || rank != data.tokens.size() ||
        rank >= kMaxTokens) {
      return ModelError("bad rank", where, std::to_string(data.tokens.size()),
                        std::string(digits.substr(0, 40)));
    }
    data.tokens.push_back(token);
  }
  if (!family) {
    if (data.tokens.size() == kLlama3Tokens) family = TokenizerFamily::kLlama3;
    if (data.tokens.size() == kLlama4Tokens) family = TokenizerFamily::kLlama4;
    if (!family) {
      return ModelError("unknown tokenizer", name, "128000 tokens (Llama 3) or 200000 (Llama 4)",
                        std::to_string(data.tokens.size()));
    }
  }
  const bool llama4 = *family == TokenizerFamily::kLlama4;
  data.pre_tokenizer = llama4 ? PreTokenizer::kO200k : PreTokenizer::kLlama3;
  const auto first = static_cast<int32_t>(data.tokens.size());
  for (std::string& text : llama4 ? Llama4Controls() : Llama3Controls()) {
    data.controls.push_back({std::move(text), first + static_cast<int32_t>(data.controls.size())});
  }
  data.vocab_size = first + static_cast<int32_t>(data.controls.size());
  return data;
}

}  // namespace gatehouse

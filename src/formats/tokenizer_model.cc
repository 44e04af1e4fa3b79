#include "formats/tokenizer_model.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/error.h"
#include "base/file_kind.h"
#include "formats/llama_controls.h"

namespace gatehouse {
namespace {

constexpr size_t kLlama3Tokens = 128000;
constexpr size_t kLlama4Tokens = 200000;
constexpr size_t kMaxTokens = (1 << 20) - 1;

// Nothing where the padding is not complete, or letters and bits are not those of whole bytes.
std::optional<std::string> TokenOf(std::string_view base64) {
  if (base64.empty() || base64.size() % 4 != 0) return std::nullopt;
  size_t padding = 0;
  while (padding < 2 && base64[base64.size() - 1 - padding] == '=') ++padding;
  return DecodeBase64Letters(base64.substr(0, base64.size() - padding));
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
    std::optional<std::string> token;
    if (space != std::string_view::npos) token = TokenOf(line.substr(0, space));
    if (!token) {
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
    data.tokens.push_back(*std::move(token));
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

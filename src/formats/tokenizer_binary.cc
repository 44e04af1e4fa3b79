#include "formats/tokenizer_binary.h"

#include <cstring>

#include "base/error.h"
#include "base/file_kind.h"
#include "formats/token_map.h"
#include "formats/tokenizer_merges.h"

// Layout: the header; u32 length of each token; the tokens' bytes; i32 left and right of each merge; i32
// result of each merge; for each control token i32 id, u32 length, bytes.
namespace gatehouse {
namespace {

constexpr char kMagic[8] = {'G', 'H', 'T', 'O', 'K', 'E', 'N', '1'};
constexpr uint32_t kWholePieceFirst = 1;
constexpr uint32_t kRankIsId = 2;
constexpr uint32_t kMaxVocab = (1 << 20) - 1;

struct Header {
  char magic[8];
  uint32_t pre_tokenizer;
  uint32_t flags;
  uint32_t vocab_size;
  uint32_t tokens;
  uint32_t merges;
  uint32_t controls;
};
static_assert(sizeof(std::pair<int32_t, int32_t>) == 2 * sizeof(int32_t));

template <typename T>
void Append(const T* values, size_t count, std::string* out) {
  if (count > 0) out->append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

// Takes values off the front; false once the bytes end.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}
  bool Text(size_t size, std::string_view* text) {
    if (size > bytes_.size()) return false;
    *text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  template <typename T>
  bool Values(size_t count, std::vector<T>* values) {
    std::string_view raw;
    if (count > bytes_.size() / sizeof(T) || !Text(count * sizeof(T), &raw)) return false;
    values->resize(count);
    if (count > 0) std::memcpy(static_cast<void*>(values->data()), raw.data(), raw.size());
    return true;
  }
  template <typename T>
  bool Value(T* value) {
    std::string_view raw;
    if (!Text(sizeof(T), &raw)) return false;
    std::memcpy(value, raw.data(), raw.size());
    return true;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

Result<std::string> WriteTokenizerBinary(TokenizerData data) {
  {
    const TokenMap map(data.tokens);
    // What takes longest when a tokenizer is read, the results of merges, is computed once and stored. The
    // map goes before the copy below is made.
    GATEHOUSE_TRY(CompleteMerges(map, &data));
  }
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.pre_tokenizer = static_cast<uint32_t>(data.pre_tokenizer);
  header.flags = (data.whole_piece_first ? kWholePieceFirst : 0) | (data.rank_is_id ? kRankIsId : 0);
  header.vocab_size = static_cast<uint32_t>(data.vocab_size);
  header.tokens = static_cast<uint32_t>(data.tokens.size());
  header.merges = static_cast<uint32_t>(data.merges.size());
  header.controls = static_cast<uint32_t>(data.controls.size());
  std::string out;
  Append(&header, 1, &out);
  for (const std::string& token : data.tokens) {
    const auto length = static_cast<uint32_t>(token.size());
    Append(&length, 1, &out);
  }
  for (const std::string& token : data.tokens) out += token;
  Append(data.merges.data(), data.merges.size(), &out);
  Append(data.merged.data(), data.merged.size(), &out);
  for (const ControlToken& control : data.controls) {
    const auto length = static_cast<uint32_t>(control.text.size());
    Append(&control.id, 1, &out);
    Append(&length, 1, &out);
    out += control.text;
  }
  return out;
}

Result<TokenizerData> ReadTokenizerBinary(std::string_view bytes, const std::string& name) {
  const auto bad = [&name](const char* what, const char* expected) {
    return ModelError(what, name, expected, "not so");
  };
  Taker taker(bytes);
  Header header{};
  if (!taker.Value(&header) || std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    const std::string kind = DescribeFile(bytes);
    return ModelError("not a stored tokenizer", name, "the header of one", kind.empty() ? "not so" : kind);
  }
  // Counts are bounded before anything is allocated by them; what a file of this size cannot hold, Taker
  // refuses.
  if (header.pre_tokenizer > static_cast<uint32_t>(PreTokenizer::kGpt2) ||
      header.flags > (kWholePieceFirst | kRankIsId) || header.vocab_size > kMaxVocab ||
      header.tokens > header.vocab_size || header.controls > header.vocab_size) {
    return bad("bad tokenizer header", "values in range");
  }
  TokenizerData data;
  data.pre_tokenizer = static_cast<PreTokenizer>(header.pre_tokenizer);
  data.whole_piece_first = (header.flags & kWholePieceFirst) != 0;
  data.rank_is_id = (header.flags & kRankIsId) != 0;
  data.vocab_size = static_cast<int32_t>(header.vocab_size);
  std::vector<uint32_t> lengths;
  if (!taker.Values(header.tokens, &lengths)) return bad("tokenizer is cut short", "all token lengths");
  data.tokens.resize(lengths.size());
  for (size_t id = 0; id < lengths.size(); ++id) {
    std::string_view text;
    if (!taker.Text(lengths[id], &text)) return bad("tokenizer is cut short", "all tokens");
    data.tokens[id] = text;
  }
  if (!taker.Values(header.merges, &data.merges) || !taker.Values(header.merges, &data.merged)) {
    return bad("tokenizer is cut short", "all merges");
  }
  for (size_t at = 0; at < header.controls; ++at) {
    ControlToken control;
    uint32_t length = 0;
    std::string_view text;
    if (!taker.Value(&control.id) || !taker.Value(&length) || !taker.Text(length, &text)) {
      return bad("tokenizer is cut short", "all control tokens");
    }
    control.text = text;
    data.controls.push_back(std::move(control));
  }
  // A longer file is another format's, or a concatenation that went wrong.
  if (!taker.empty()) return bad("bytes after the tokenizer's end", "none");
  return data;
}

}  // namespace gatehouse

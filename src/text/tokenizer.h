// Tokenizer: byte-pair encoding of plain text into token ids, and back.
//
// Encode() never yields a control id: "<|eot|>" in a text is ordinary characters. Control ids come only from
// ControlId(), which the prompt template calls. Immutable after Create; safe to use from many threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tokenizer_data.h"
#include "gatehouse/result.h"

namespace gatehouse {

// A text with its ids and where it was cut: what encoding a text that begins alike starts from. Of one
// tokenizer, and one thread's own.
struct EncodedText {
  struct Cut {
    size_t bytes;  // of the text up to here
    size_t ids;
    size_t reach;  // bytes of the text that the cuts up to here depend on
  };
  std::string text;  // well-formed
  std::vector<int32_t> ids;
  std::vector<Cut> cuts;  // behind each piece
};

class Tokenizer {
 public:
  // Errors: kModel when the data contradict themselves (a byte without a token, a merge of unknown tokens).
  static Result<std::shared_ptr<const Tokenizer>> Create(TokenizerData data);
  ~Tokenizer();

  // Appends the ids of `text`. Invalid UTF-8 is first replaced by U+FFFD as Python's errors="replace" does.
  // Near-linear in text.size() for any input.
  void Encode(std::string_view text, std::vector<int32_t>* ids) const;
  std::vector<int32_t> Encode(std::string_view text) const;
  // Makes known->ids what Encode(text) gives. Where text begins as the text known before, only what follows
  // the last piece that is sure to stand is encoded: the end that a growing text has in the middle costs as
  // much as what was added. One piece that never ends (100 000 letters without a space) is encoded whole each
  // time. Returns the bytes that were encoded.
  size_t Encode(std::string_view text, EncodedText* known) const;

  std::optional<int32_t> ControlId(std::string_view text) const;  // "<|eot|>" -> 200008
  bool IsControl(int32_t id) const;
  // Bytes of the ids; control ids are dropped, invalid UTF-8 is kept as it is.
  std::string Decode(std::span<const int32_t> ids) const;
  int32_t vocab_size() const;
  const TokenizerData& data() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse

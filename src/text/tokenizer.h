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

class Tokenizer {
 public:
  // Errors: kModel when the data contradict themselves (a byte without a token, a merge of unknown tokens).
  static Result<std::shared_ptr<const Tokenizer>> Create(TokenizerData data);
  ~Tokenizer();

  // Appends the ids of `text`. Invalid UTF-8 is first replaced by U+FFFD as Python's errors="replace" does.
  // Near-linear in text.size() for any input.
  void Encode(std::string_view text, std::vector<int32_t>* ids) const;
  std::vector<int32_t> Encode(std::string_view text) const;

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

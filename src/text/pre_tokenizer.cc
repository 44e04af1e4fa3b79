#include "text/pre_tokenizer.h"

#include "text/unicode.h"

namespace gatehouse {
namespace {

// A position in the text with the character there; at the end the class is 0 and bytes is 0.
class Cursor {
 public:
  Cursor(std::string_view text, size_t at) : text_(text), at_(at) { Read(); }

  size_t at() const { return at_; }
  bool end() const { return bytes_ == 0; }
  char32_t code() const { return code_; }
  uint8_t cls() const { return cls_; }
  bool Is(uint8_t classes) const { return (cls_ & classes) != 0; }
  bool IsOther() const { return !end() && !Is(kSpace | kLetter | kNumber); }
  void Next() {
    at_ += static_cast<size_t>(bytes_);
    Read();
  }
  void SkipWhile(uint8_t classes) {
    while (Is(classes)) Next();
  }

 private:
  void Read() {
    if (at_ >= text_.size()) {
      code_ = 0;
      bytes_ = 0;
      cls_ = 0;
      return;
    }
    const Decoded decoded = DecodeOne(text_.data() + at_);
    code_ = decoded.code;
    bytes_ = decoded.bytes;
    cls_ = ClassOf(code_);
  }

  std::string_view text_;
  size_t at_;
  char32_t code_ = 0;
  int bytes_ = 0;
  uint8_t cls_ = 0;
};

// End of 's 't 're 've 'm 'll 'd at the cursor, or its own position. Without regard to case, s has a third form:
// U+017F, the long s.
size_t Contraction(Cursor cursor, bool ignore_case) {
  const size_t begin = cursor.at();
  if (cursor.code() != '\'') return begin;
  cursor.Next();
  const auto lower = [&](char32_t code) -> char32_t {
    if (!ignore_case) return code;
    if (code == 0x17F) return 's';
    return code >= 'A' && code <= 'Z' ? code + 32 : code;
  };
  const char32_t first = lower(cursor.code());
  if (cursor.end()) return begin;
  cursor.Next();
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return cursor.at();
  const char32_t second = lower(cursor.code());
  if (cursor.end()) return begin;
  cursor.Next();
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l')) return cursor.at();
  return begin;
}

// U*L+ of o200k from `start`: letters and marks without case belong to both classes, so U* may have to give some
// back. Returns the end, or start if there is no match.
size_t UpperThenLower(Cursor cursor) {
  const size_t start = cursor.at();
  size_t after_last_shared = start;
  while (cursor.Is(kUpperish)) {
    const bool shared = cursor.Is(kLowerish);
    cursor.Next();
    if (shared) after_last_shared = cursor.at();
  }
  if (!cursor.Is(kLowerish)) return after_last_shared;
  cursor.SkipWhile(kLowerish);
  return cursor.at();
}

size_t UpperRun(Cursor cursor) {
  cursor.SkipWhile(kUpperish);
  return cursor.at();
}

bool MayLead(const Cursor& cursor) { return !cursor.end() && !cursor.Is(kNewline | kLetter | kNumber); }

// The two word alternatives of o200k; `begin` if neither matches.
size_t O200kWord(std::string_view text, size_t begin) {
  const Cursor here(text, begin);
  Cursor after = here;
  const bool lead = MayLead(here);
  if (lead) after.Next();
  for (const auto match : {UpperThenLower, UpperRun}) {
    size_t end = lead ? match(after) : after.at();
    if (lead && end == after.at()) end = begin;
    if (!lead || end == begin) end = match(here);
    if (end > begin) return Contraction(Cursor(text, end), /*ignore_case=*/true);
  }
  return begin;
}

// \s*[\r\n]+ | \s+(?!\S) | \s+ (the first only where `newlines`); `begin` must be a space.
size_t Spaces(std::string_view text, size_t begin, bool newlines) {
  Cursor cursor(text, begin);
  size_t last = begin;            // start of the run's last character
  size_t after_newline = begin;   // behind the run's last newline
  while (cursor.Is(kSpace)) {
    last = cursor.at();
    const bool newline = cursor.Is(kNewline);
    cursor.Next();
    if (newline) after_newline = cursor.at();
  }
  if (newlines && after_newline > begin) return after_newline;
  // A space before a word belongs to the word, if the run leaves anything without it.
  return cursor.end() || last == begin ? cursor.at() : last;
}

size_t Numbers(Cursor cursor, int limit) {
  for (int count = 0; cursor.Is(kNumber) && count < limit; ++count) cursor.Next();
  return cursor.at();
}

// ` ?[^\s\p{L}\p{N}]+`, and behind it what `tail` accepts; `begin` if there is no match.
size_t Others(std::string_view text, size_t begin, bool slash, bool newlines) {
  Cursor cursor(text, begin);
  if (cursor.code() == ' ' && !cursor.end()) cursor.Next();
  if (!cursor.IsOther()) return begin;
  while (cursor.IsOther()) cursor.Next();
  while (!cursor.end() && ((newlines && cursor.Is(kNewline)) || (slash && cursor.code() == '/'))) cursor.Next();
  return cursor.at();
}

size_t NextO200k(std::string_view text, size_t begin) {
  size_t end = O200kWord(text, begin);
  if (end == begin) end = Numbers(Cursor(text, begin), 3);
  if (end == begin) end = Others(text, begin, /*slash=*/true, /*newlines=*/true);
  return end == begin ? Spaces(text, begin, /*newlines=*/true) : end;
}

size_t NextLlama3(std::string_view text, size_t begin) {
  const Cursor here(text, begin);
  size_t end = Contraction(here, /*ignore_case=*/true);
  if (end > begin) return end;
  Cursor word = here;
  if (MayLead(here)) word.Next();
  if (word.Is(kLetter)) {
    word.SkipWhile(kLetter);
    return word.at();
  }
  end = Numbers(here, 3);
  if (end == begin) end = Others(text, begin, /*slash=*/false, /*newlines=*/true);
  return end == begin ? Spaces(text, begin, /*newlines=*/true) : end;
}

size_t NextGpt2(std::string_view text, size_t begin) {
  const Cursor here(text, begin);
  size_t end = Contraction(here, /*ignore_case=*/false);
  if (end > begin) return end;
  Cursor word = here;
  if (word.code() == ' ' && !word.end()) word.Next();
  for (const uint8_t cls : {kLetter, kNumber}) {
    if (!word.Is(cls)) continue;
    word.SkipWhile(cls);
    return word.at();
  }
  end = Others(text, begin, /*slash=*/false, /*newlines=*/false);
  return end == begin ? Spaces(text, begin, /*newlines=*/false) : end;
}

// Numbers are cut out first, one character each; GPT-2's pattern sees only what lies between them.
size_t NextSmolLM(std::string_view text, size_t begin) {
  Cursor cursor(text, begin);
  if (cursor.Is(kNumber)) {
    cursor.Next();
    return cursor.at();
  }
  // The fragment's end matters only for spaces: look no further than the run itself.
  if (cursor.Is(kSpace)) {
    Cursor run = cursor;
    run.SkipWhile(kSpace);
    if (run.Is(kNumber)) return NextGpt2(text.substr(0, run.at()), begin);
  }
  const size_t end = NextGpt2(text, begin);
  // ` ?\p{N}+` cannot match inside a fragment; a single space before a number was handled above.
  return end;
}

}  // namespace

size_t NextPiece(PreTokenizer kind, std::string_view text, size_t begin) {
  switch (kind) {
    case PreTokenizer::kO200k: return NextO200k(text, begin);
    case PreTokenizer::kLlama3: return NextLlama3(text, begin);
    case PreTokenizer::kSmolLM: return NextSmolLM(text, begin);
    case PreTokenizer::kGpt2: return NextGpt2(text, begin);
  }
  return text.size();
}

}  // namespace gatehouse

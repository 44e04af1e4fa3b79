#include "text/pre_tokenizer.h"

#include <algorithm>

#include "text/utf8.h"

namespace gatehouse {
namespace {

constexpr int kWordPart = kLetter | kNumber;

// How far a text was looked at: by all cursors that were copied from one, whichever answered.
class Reach {
 public:
  Reach(std::string_view text, size_t* bytes) : begin_(text.data()), bytes_(bytes) {}
  void See(const char* at, size_t length) {
    *bytes_ = std::max(*bytes_, static_cast<size_t>(at - begin_) + length);
  }

 private:
  const char* begin_;
  size_t* bytes_;
};

// In its place where nobody asks.
struct NoReach {
  void See(const char*, size_t) {}
};

// A place in the text: the character there, and where the next one begins. At the end of the text there is no
// character: bits and value are 0, and `end` is true.
template <typename Reached>
class CursorOf {
 public:
  CursorOf(const CharClasses& classes, std::string_view text, Reached reached)
      : classes_(&classes), at_(text.data()), stop_(text.data() + text.size()), reached_(reached) {
    Read();
  }
  bool end() const { return at_ == stop_; }
  bool Is(int bits) const { return (bits_ & bits) != 0; }
  bool Is(char character) const { return value_ == static_cast<unsigned char>(character) && !end(); }
  // [^\s\p{L}\p{N}]
  bool IsPunctuation() const { return !end() && !Is(kSpace | kWordPart); }
  // [^\r\n\p{L}\p{N}]
  bool IsPrefix() const { return !end() && !Is(kNewline | kWordPart); }
  uint32_t value() const { return value_; }
  const char* at() const { return at_; }
  void Step() {
    at_ += length_;
    Read();
  }
  void SkipAll(int bits) {
    while (Is(bits)) Step();
  }
  void SkipPunctuation() {
    while (IsPunctuation()) Step();
  }

 private:
  void Read() {
    if (at_ == stop_) {
      value_ = length_ = bits_ = 0;
      reached_.See(at_, 1);  // that nothing follows is something seen
      return;
    }
    const CodePoint point = ReadCodePoint(at_);
    value_ = point.value;
    length_ = point.length;
    bits_ = (*classes_)[point.value];
    reached_.See(at_, length_);
  }

  const CharClasses* classes_;
  const char* at_;
  const char* stop_;
  [[no_unique_address]] Reached reached_;
  uint32_t value_ = 0;
  uint32_t length_ = 0;
  uint32_t bits_ = 0;
};

// 's|'t|'re|'ve|'m|'ll|'d at the cursor, which moves behind it. Caseless, s has a third form, U+017F.
template <typename Cursor>
bool SkipContraction(bool caseless, Cursor* cursor) {
  if (!cursor->Is('\'')) return false;
  Cursor next = *cursor;
  const auto letter = [&next, caseless]() -> uint32_t {
    const uint32_t value = next.value();
    if (!caseless) return value;
    constexpr uint32_t kLongS = 0x17F;
    if (value == kLongS) return 's';
    return value >= 'A' && value <= 'Z' ? value - 'A' + 'a' : value;
  };
  next.Step();
  const uint32_t first = letter();
  next.Step();
  bool matches = first == 's' || first == 't' || first == 'm' || first == 'd';
  if (first == 'r' || first == 'v' || first == 'l') {
    matches = letter() == (first == 'l' ? 'l' : 'e');
    next.Step();
  }
  if (matches) *cursor = next;
  return matches;
}

// [Upperish]*[Lowerish]+: the first star backtracks to the last character that both classes hold.
template <typename Cursor>
bool SkipLowerWord(Cursor* cursor) {
  Cursor run = *cursor;
  Cursor after_both = run;
  bool found = false;
  while (run.Is(kUpperish)) {
    const bool both = run.Is(kLowerish);
    run.Step();
    if (both) {
      after_both = run;
      found = true;
    }
  }
  if (run.Is(kLowerish)) {
    run.SkipAll(kLowerish);
    *cursor = run;
    return true;
  }
  if (found) *cursor = after_both;
  return found;
}

// [Upperish]+[Lowerish]*
template <typename Cursor>
bool SkipUpperWord(Cursor* cursor) {
  if (!cursor->Is(kUpperish)) return false;
  cursor->SkipAll(kUpperish);
  cursor->SkipAll(kLowerish);
  return true;
}

// [^\r\n\p{L}\p{N}]? before a word: taken where a word follows, else tried without.
template <typename Word, typename Cursor>
bool SkipPrefixed(Word word, Cursor* cursor) {
  if (cursor->IsPrefix()) {
    Cursor next = *cursor;
    next.Step();
    if (word(&next)) {
      *cursor = next;
      return true;
    }
  }
  return word(cursor);
}

// \p{N}{1,3}
template <typename Cursor>
bool SkipNumber(Cursor* cursor) {
  constexpr int kMostDigits = 3;
  int digits = 0;
  while (digits < kMostDigits && cursor->Is(kNumber)) {
    cursor->Step();
    ++digits;
  }
  return digits > 0;
}

// " ?" before something that `skip` takes; a space alone stays.
template <typename Skip, typename Cursor>
bool SkipSpaced(Skip skip, Cursor* cursor) {
  Cursor next = *cursor;
  if (next.Is(' ')) next.Step();
  if (!skip(&next)) return false;
  *cursor = next;
  return true;
}

template <typename Cursor>
bool SkipPunctuationRun(Cursor* cursor) {
  if (!cursor->IsPunctuation()) return false;
  cursor->SkipPunctuation();
  return true;
}

template <typename Cursor>
bool SkipClassRun(int bits, Cursor* cursor) {
  if (!cursor->Is(bits)) return false;
  cursor->SkipAll(bits);
  return true;
}

// newlines: \s*[\r\n]+ , which ends behind the last newline of the run. Then \s+(?!\S)|\s+ : all of the run
// at the end of the text (or before a character of stop_bits), else all but its last character, else that
// one.
template <typename Cursor>
void SkipSpaces(bool newlines, int stop_bits, Cursor* cursor) {
  Cursor run = *cursor;
  Cursor last = run;           // the run's last character
  Cursor after_newline = run;  // behind the run's last newline
  bool found = false;
  while (run.Is(kSpace)) {
    const bool newline = run.Is(kNewline);
    last = run;
    run.Step();
    if (newline) {
      after_newline = run;
      found = true;
    }
  }
  if (newlines && found) {
    *cursor = after_newline;
  } else if (run.end() || run.Is(stop_bits) || last.at() == cursor->at()) {
    *cursor = run;
  } else {
    *cursor = last;
  }
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// The commonest piece by far, without looking characters up: [ ]?[A-Z]*[a-z]+ with an ASCII character behind
// it that is no apostrophe, or the text's end. Its size; 0: look at it the long way.
size_t PlainWordSize(std::string_view text) {
  const char* const begin = text.data();
  const char* const stop = begin + text.size();
  const char* at = begin;
  if (at != stop && *at == ' ') ++at;
  while (at != stop && IsUpper(*at)) ++at;
  const char* const lower = at;
  while (at != stop && IsLower(*at)) ++at;
  if (at == lower) return 0;
  if (at != stop && (static_cast<unsigned char>(*at) >= 0x80 || *at == '\'')) return 0;
  return static_cast<size_t>(at - begin);
}

// [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
// |[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
// |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <typename Cursor>
void SkipO200k(Cursor* cursor) {
  if (SkipPrefixed(SkipLowerWord<Cursor>, cursor) || SkipPrefixed(SkipUpperWord<Cursor>, cursor)) {
    SkipContraction(true, cursor);
    return;
  }
  if (SkipNumber(cursor)) return;
  if (SkipSpaced(SkipPunctuationRun<Cursor>, cursor)) {
    while (cursor->Is(kNewline) || cursor->Is('/')) cursor->Step();
    return;
  }
  SkipSpaces(true, 0, cursor);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+
// |\s+(?!\S)|\s+
template <typename Cursor>
void SkipLlama3(Cursor* cursor) {
  if (SkipContraction(true, cursor)) return;
  if (SkipPrefixed([](Cursor* word) { return SkipClassRun(kLetter, word); }, cursor)) return;
  if (SkipNumber(cursor)) return;
  if (SkipSpaced(SkipPunctuationRun<Cursor>, cursor)) {
    cursor->SkipAll(kNewline);
    return;
  }
  SkipSpaces(true, 0, cursor);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// single_digits (SmolLM): \p{N} is cut out first, and each stretch between is text of its own.
// one_pass: white space sees the number behind it.
template <typename Cursor>
void SkipGpt2(bool single_digits, bool one_pass, Cursor* cursor) {
  if (single_digits && cursor->Is(kNumber)) {
    cursor->Step();
    return;
  }
  if (SkipContraction(false, cursor)) return;
  if (SkipSpaced([](Cursor* word) { return SkipClassRun(kLetter, word); }, cursor)) return;
  if (!single_digits && SkipSpaced([](Cursor* run) { return SkipClassRun(kNumber, run); }, cursor)) return;
  if (SkipSpaced(SkipPunctuationRun<Cursor>, cursor)) return;
  SkipSpaces(false, single_digits && !one_pass ? kNumber : 0, cursor);
}

template <typename Reached>
size_t PieceSize(PreTokenizer kind, const CharClasses& classes, std::string_view text, Reached reached) {
  CursorOf<Reached> cursor(classes, text, reached);
  switch (kind) {
    case PreTokenizer::kO200k:
      SkipO200k(&cursor);
      break;
    case PreTokenizer::kLlama3:
      SkipLlama3(&cursor);
      break;
    case PreTokenizer::kSmolLM:
      SkipGpt2(true, false, &cursor);
      break;
    case PreTokenizer::kSmolLMOnePass:
      SkipGpt2(true, true, &cursor);
      break;
    case PreTokenizer::kGpt2:
      SkipGpt2(false, false, &cursor);
      break;
  }
  return static_cast<size_t>(cursor.at() - text.data());
}

}  // namespace

size_t PieceCutter::Next(std::string_view text) const {
  if (kind_ == PreTokenizer::kO200k) {
    const size_t size = PlainWordSize(text);
    if (size > 0) return size;
  }
  return PieceSize(kind_, *classes_, text, NoReach{});
}

PieceCutter::Piece PieceCutter::NextAndReach(std::string_view text) const {
  if (kind_ == PreTokenizer::kO200k) {
    const size_t size = PlainWordSize(text);
    if (size > 0) return {size, size + 1};  // the character behind it, or the end
  }
  Piece piece{0, 0};
  piece.size = PieceSize(kind_, *classes_, text, Reach(text, &piece.reach));
  return piece;
}

}  // namespace gatehouse

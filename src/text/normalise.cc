#include "text/normalise.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <memory>

#include "text/utf8.h"

namespace gatehouse {
namespace {

// Letters with single spaces between them that are a word spelt out; three may be an abbreviation.
constexpr size_t kSpacedLetters = 4;

std::u32string Decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint code = ReadCodePoint(text.data() + at);
    out.push_back(code.value);
    at += code.length;
  }
  return out;
}

std::string Encode(const std::u32string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t code : text) AppendUtf8(code, &out);
  return out;
}

UScriptCode ScriptOf(char32_t code) {
  UErrorCode status = U_ZERO_ERROR;
  return uscript_getScript(static_cast<UChar32>(code), &status);
}

bool IsLetter(char32_t code) { return u_isalpha(static_cast<UChar32>(code)) != 0; }
bool IsMark(char32_t code) {
  return (U_GET_GC_MASK(static_cast<UChar32>(code)) & (U_GC_MN_MASK | U_GC_ME_MASK)) != 0;
}
bool IsLatin(char32_t code) { return ScriptOf(code) == USCRIPT_LATIN; }

// Scripts whose words need joiners, and pictures made of several: there they are spelling.
bool NeedsJoiners(char32_t before) {
  if (!IsLetter(before) && !IsMark(before)) return before > 0x2000;
  const UScriptCode script = ScriptOf(before);
  return script != USCRIPT_LATIN && script != USCRIPT_CYRILLIC && script != USCRIPT_GREEK;
}

// What a reader sees nothing of, and what only changes the direction of writing.
std::u32string WithoutHidden(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t code : text) {
    const bool tag = code > 0xE0020 && code < 0xE007F;
    const bool joins = (code == 0x200C || code == 0x200D) && !out.empty() && NeedsJoiners(out.back());
    const bool says_how = code == 0xFE0F || code == 0xFE0E;  // a picture is drawn
    const bool hidden = code >= 0x80 && u_hasBinaryProperty(static_cast<UChar32>(code),
                                                            UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
    if (tag) {
      out.push_back(code - 0xE0000);  // ASCII that is hidden
    } else if (joins || says_how || !hidden) {
      out.push_back(code);
    }
  }
  return out;
}

std::u32string Compatible(const std::u32string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* const nfkc = unorm2_getNFKCInstance(&status);
  std::u16string wide;
  wide.reserve(text.size());
  for (const char32_t code : text) {
    if (code >= 0x10000) {
      wide.push_back(static_cast<char16_t>(U16_LEAD(code)));
      wide.push_back(static_cast<char16_t>(U16_TRAIL(code)));
    } else {
      wide.push_back(static_cast<char16_t>(code));
    }
  }
  const auto size = static_cast<int32_t>(wide.size());
  if (U_FAILURE(status) || unorm2_isNormalized(nfkc, wide.data(), size, &status)) return text;
  // No character becomes more than 18 (U+FDFA).
  std::u16string to(wide.size() * 3 + 18, u'\0');
  int32_t length =
      unorm2_normalize(nfkc, wide.data(), size, to.data(), static_cast<int32_t>(to.size()), &status);
  if (status == U_BUFFER_OVERFLOW_ERROR) {
    status = U_ZERO_ERROR;
    to.resize(static_cast<size_t>(length));
    length = unorm2_normalize(nfkc, wide.data(), size, to.data(), length, &status);
  }
  if (U_FAILURE(status)) return text;
  std::u32string out;
  for (int32_t at = 0; at < length;) {
    UChar32 code = 0;
    U16_NEXT(to.data(), at, length, code);
    out.push_back(static_cast<char32_t>(code));
  }
  return out;
}

// White letters in black circles and squares, which have no compatibility form.
std::u32string WithoutFrames(std::u32string text) {
  for (char32_t& code : text) {
    for (const char32_t first : {0x1F150u, 0x1F170u}) {
      if (code >= first && code < first + 26) code = U'A' + (code - first);
    }
  }
  return text;
}

// The ASCII letter that a letter looks like; 0: none.
class LookAlikes {
 public:
  LookAlikes() {
    UErrorCode status = U_ZERO_ERROR;
    checker_.reset(uspoof_open(&status));
    if (U_FAILURE(status)) checker_.reset();
  }
  char32_t Of(char32_t code) const {
    if (code < 0x80) return IsLetter(code) ? code : 0;
    if (checker_ == nullptr) return 0;
    char16_t from[2], to[8];
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    UBool failed = 0;
    U16_APPEND(from, length, 2, static_cast<UChar32>(code), failed);
    if (failed) return 0;
    const int32_t size = uspoof_getSkeleton(checker_.get(), 0, from, length, to, 8, &status);
    if (U_FAILURE(status) || size != 1 || to[0] >= 0x80 || !IsLetter(to[0])) return 0;
    // The skeleton of capitals is often a small letter that looks the same ("I" and "l").
    return to[0];
  }

 private:
  struct Close {
    void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
  };
  std::unique_ptr<USpoofChecker, Close> checker_;
};

// A word with Latin letters and look-alikes of other scripts, or of look-alikes alone in a Latin text, is
// Latin.
std::u32string Folded(std::u32string text) {
  static const LookAlikes look_alikes;
  if (std::all_of(text.begin(), text.end(), [](char32_t code) { return code < 0x80; })) return text;
  size_t latin = 0, other = 0;
  for (const char32_t code : text) {
    if (!IsLetter(code)) continue;
    ++(IsLatin(code) ? latin : other);
  }
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin, ascii = 0, foreign = 0, alike = 0;
    for (; end < text.size() && (IsLetter(text[end]) || IsMark(text[end])); ++end) {
      const char32_t code = text[end];
      ascii += code < 0x80;
      if (code < 0x80 || !IsLetter(code)) continue;
      const bool odd =
          !IsLatin(code) || (code >= 0x250 && code < 0x1E00);  // phonetic letters and small capitals
      foreign += odd;
      alike += odd && look_alikes.Of(code) != 0;
    }
    if (foreign > 0 && alike == foreign && (ascii > 0 || latin > other)) {
      for (size_t at = begin; at < end; ++at) {
        const char32_t like = look_alikes.Of(text[at]);
        if (like != 0) text[at] = like;
      }
    }
    begin = std::max(end, begin + 1);
  }
  return text;
}

// A letter without the marks that are part of it.
char32_t Bare(char32_t code) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* const nfd = unorm2_getNFDInstance(&status);
  char16_t to[8];
  if (U_FAILURE(status)) return code;
  const int32_t length = unorm2_getDecomposition(nfd, static_cast<UChar32>(code), to, 8, &status);
  return U_FAILURE(status) || length < 1 || U16_IS_SURROGATE(to[0]) ? code : to[0];
}

// Through the letter: no language writes those.
bool IsOverlay(char32_t code) {
  return (code >= 0x334 && code <= 0x338) || code == 0x488 || code == 0x489 ||
         (code >= 0x20D0 && code <= 0x20F0);
}

// What NFKC has not made one character with its Latin letter: one such mark some languages need (Yoruba),
// more are piled on, or drawn through it.
std::u32string WithoutPiledMarks(const std::u32string& text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const char32_t code = text[at++];
    size_t end = at;
    while (end < text.size() && IsMark(text[end])) ++end;
    const bool piled = end - at > 1 || (end - at == 1 && IsOverlay(text[at]));
    if (piled && (code < 0x80 || IsLatin(code))) {
      out.push_back(Bare(code));
    } else {
      out.push_back(code);
      out.append(text, at, end - at);
    }
    at = end;
  }
  return out;
}

bool Separates(char32_t code) {
  return code == ' ' || code == '.' || code == '-' || code == '_' || code == '*' || code == '|' ||
         code == '/' || code == '~' || code == ',' || code == 0xB7;
}

// "b o m b" and "b.o.m.b": single letters, one separator between them and always the same.
std::u32string Rejoined(const std::u32string& text) {
  std::u32string out;
  const auto word = [&](size_t at) {
    return at < text.size() && (IsLetter(text[at]) || u_isdigit(static_cast<UChar32>(text[at])) != 0);
  };
  for (size_t at = 0; at < text.size();) {
    size_t letters = 0, next = at;
    if (IsLetter(text[at]) && (at == 0 || !word(at - 1)) && at + 1 < text.size() && Separates(text[at + 1])) {
      const char32_t separator = text[at + 1];
      while (next < text.size() && IsLetter(text[next])) {
        if (next + 1 >= text.size() || !word(next + 1)) ++letters;
        if (next + 1 >= text.size() || text[next + 1] != separator || !word(next + 2)) break;
        if (word(next + 3)) break;  // a longer word follows
        next += 2;
      }
    }
    if (letters >= kSpacedLetters) {
      for (size_t i = at; i <= next; i += 2) out.push_back(text[i]);
      at = next + 1;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

}  // namespace

std::string Normalise(std::string_view text) {
  std::string storage;
  const std::u32string whole = Decode(RepairUtf8(text, &storage));
  return Encode(Rejoined(WithoutPiledMarks(Folded(WithoutFrames(Compatible(WithoutHidden(whole)))))));
}

}  // namespace gatehouse

#include "image/data_url.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/error.h"

namespace gatehouse {
namespace {

// The letter of the standard alphabet that a character stands for; 0: none.
constexpr std::array<char, 256> MakeLetters() {
  std::array<char, 256> letters = {};
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char letter : kAlphabet) letters[static_cast<uint8_t>(letter)] = letter;
  letters['-'] = '+';  // the alphabet for URLs and file names
  letters['_'] = '/';
  return letters;
}
constexpr std::array<char, 256> kLetters = MakeLetters();

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsLineEnd(char c) { return c == '\r' || c == '\n'; }

bool EqualLower(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) { return a == Lower(b); });
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

Error BadUrl(std::string found) {
  return BadInput("bad image URL", "data URL", "data:image/<type>;base64,<base64>", std::move(found));
}

Error BadBase64(std::string found) {
  return BadInput("bad base64", "data URL", "base64, its padding complete or left out", std::move(found));
}

Error TooLarge(size_t max_bytes) {
  return BadInput("image too large", "data URL", "at most " + std::to_string(max_bytes) + " bytes", "more");
}

Error WrongLetter(char c, size_t offset) {
  const bool shown = c > ' ' && c < 0x7f;
  return BadBase64((shown      ? std::string("\"") + c + "\""
                    : c == ' ' ? "a space"
                               : "another character") +
                   " at offset " + std::to_string(offset));
}

// A character of the data at text[at], percent escapes resolved, and where the next one begins.
struct Unit {
  char value;
  size_t next;
};

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = Lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Result<Unit> ReadUnit(std::string_view text, size_t at, bool escapes) {
  if (!escapes || text[at] != '%') return Unit{text[at], at + 1};
  const int high = at + 1 < text.size() ? HexDigit(text[at + 1]) : -1;
  const int low = at + 2 < text.size() ? HexDigit(text[at + 2]) : -1;
  if (high < 0 || low < 0)
    return BadInput("bad percent escape", "data URL", "% and two hexadecimal digits",
                    "another at offset " + std::to_string(at));
  return Unit{static_cast<char>(high * 16 + low), at + 3};
}

// Takes out of a text what a client may write around its letters; OpenSSL makes bytes of the letters.
class Base64Reader {
 public:
  // letters: about how many will come.
  Base64Reader(size_t letters, size_t max_bytes) : max_bytes_(max_bytes) {
    letters_.reserve(std::min(letters, max_bytes / 3 * 4 + 4));
  }

  // Takes the letters of text from `at` on up to the next other character, which is nearly all of a picture,
  // as far as they surely fit, and says where it stopped.
  size_t TakeLetters(std::string_view text, size_t at) {
    if (padding_ > 0 || blank_ != kNone) return at;
    const size_t groups = std::min((max_bytes_ - Bytes()) / 3, (text.size() - at) / 4);
    const size_t begin = at, end = at + groups * 4, had = letters_.size();
    // By groups of four, looked up together and copied at once: a character at a time takes three times as
    // long.
    const auto letter = [&](size_t place) { return kLetters[static_cast<uint8_t>(text[place])]; };
    while (at < end && std::min({letter(at), letter(at + 1), letter(at + 2), letter(at + 3)}) != 0) at += 4;
    if (at == begin) return at;
    line_end_ = false;
    letters_.append(text.substr(begin, at - begin));
    for (const auto& [url, plain] : {std::pair('-', '+'), std::pair('_', '/')}) {
      for (size_t place = letters_.find(url, had); place != letters_.npos; place = letters_.find(url, place))
        letters_[place] = plain;
    }
    return at;
  }

  // One character; place: its offset, for messages.
  Result<void> Add(char c, size_t place) {
    if (IsLineEnd(c)) {
      line_end_ = true;
      blank_ = kNone;
      return {};
    }
    if (IsBlank(c)) {
      if (!line_end_ && blank_ == kNone) blank_ = place;
      return {};
    }
    if (blank_ != kNone) return WrongLetter(' ', blank_);
    line_end_ = false;
    if (c == '=') {
      ++padding_;
      return {};
    }
    const char letter = kLetters[static_cast<uint8_t>(c)];
    if (letter == 0) return WrongLetter(c, place);
    if (padding_ > 0) return BadBase64("more behind the padding, at offset " + std::to_string(place));
    letters_.push_back(letter);
    if (Bytes() > max_bytes_) return TooLarge(max_bytes_);
    return {};
  }

  Result<std::string> Finish() const {
    const size_t count = letters_.size();
    if (count == 0) return BadBase64("no data");
    if (count % 4 == 1) return BadBase64("a length of " + std::to_string(count));
    if (padding_ > 2 || (padding_ > 0 && (count + padding_) % 4 != 0)) {
      return BadBase64("a padding of " + std::to_string(padding_) + " behind " + std::to_string(count) +
                       " letters");
    }
    std::optional<std::string> bytes = DecodeBase64Letters(letters_);
    // What the last letter holds beyond the last byte is zero; where it is not, the text was cut off.
    if (!bytes) return BadBase64("bits left over at the end");
    return *std::move(bytes);
  }

 private:
  // How many whole bytes the letters so far are.
  size_t Bytes() const { return letters_.size() / 4 * 3 + letters_.size() % 4 * 3 / 4; }

  static constexpr size_t kNone = static_cast<size_t>(-1);
  const size_t max_bytes_;
  std::string letters_;  // of the standard alphabet
  size_t padding_ = 0;
  bool line_end_ = true;  // what stands before this place is a line's end, or the beginning
  size_t blank_ = kNone;  // where a space stands that a line's end has yet to excuse
};

Result<std::string> DecodeLetters(std::string_view text, bool escapes, size_t max_bytes) {
  Base64Reader reader(text.size(), max_bytes);
  for (size_t at = reader.TakeLetters(text, 0); at < text.size(); at = reader.TakeLetters(text, at)) {
    GATEHOUSE_ASSIGN(const Unit unit, ReadUnit(text, at, escapes));
    GATEHOUSE_TRY(reader.Add(unit.value, at));
    at = unit.next;
  }
  return reader.Finish();
}

// Without base64: each character is its byte, the others are escaped. Line ends are no part of a URL.
Result<std::string> DecodeEscapes(std::string_view text, size_t max_bytes) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    GATEHOUSE_ASSIGN(const Unit unit, ReadUnit(text, at, true));
    if (c != '%' && (c < ' ' || c > '~' || c == '#') && c != '\t' && !IsLineEnd(c))
      return BadInput("bad character", "data URL", "bytes that no URL holds as percent escapes",
                      "one at offset " + std::to_string(at));
    at = unit.next;
    if (c == '\t' || IsLineEnd(c)) continue;
    if (bytes.size() == max_bytes) return TooLarge(max_bytes);
    bytes.push_back(unit.value);
  }
  if (bytes.empty()) return BadUrl("no data");
  return bytes;
}

// Whether a character may stand in a media subtype, such as "svg+xml".
bool IsSubtype(char c) {
  const char lower = Lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';
}

bool IsImageType(std::string_view type) {
  constexpr std::string_view kImage = "image/";
  return type.size() > kImage.size() && EqualLower(type.substr(0, kImage.size()), kImage) &&
         std::all_of(type.begin() + kImage.size(), type.end(), IsSubtype);
}

}  // namespace

bool IsDataUrl(std::string_view text) { return EqualLower(text.substr(0, 5), "data:"); }

Result<std::string> DecodeDataUrl(std::string_view url, size_t max_bytes) {
  if (!IsDataUrl(url)) return BadUrl("another kind of URL");
  std::string_view text = url.substr(5);
  const size_t comma = text.find(',');  // the first one, as browsers take it, quoted or not
  if (comma == std::string_view::npos) return BadUrl("no comma before the data");
  std::string_view head = text.substr(0, comma);
  text.remove_prefix(comma + 1);
  // A reader that thinks more of quotes would find another picture behind another comma.
  if (std::count(head.begin(), head.end(), '"') % 2 != 0) return BadUrl("a comma within quotes");

  const size_t type_end = std::min(head.find(';'), head.size());
  if (!IsImageType(Trimmed(head.substr(0, type_end)))) return BadUrl("another media type");
  bool base64 = false;
  for (head.remove_prefix(type_end); !head.empty();) {
    head.remove_prefix(1);
    const size_t end = std::min(head.find(';'), head.size());
    const std::string_view parameter = Trimmed(head.substr(0, end));
    if (EqualLower(parameter, "base64")) {
      base64 = true;
    } else if (parameter.find('=') == std::string_view::npos || parameter.front() == '=') {
      return BadUrl("a parameter that is neither base64 nor name=value");
    }
    head.remove_prefix(end);
  }
  return base64 ? DecodeLetters(text, true, max_bytes) : DecodeEscapes(text, max_bytes);
}

Result<std::string> DecodeBase64(std::string_view text, size_t max_bytes) {
  auto bytes = DecodeLetters(text, false, max_bytes);
  if (!bytes.ok()) return At("base64", bytes.error());
  return bytes;
}

bool LooksLikeBase64Image(std::string_view text) {
  // FF D8 FF; 89 "PNG" CR LF; "GIF8"; "RIFF".
  constexpr std::string_view kBeginnings[] = {"/9j/", "_9j_", "iVBORw0K", "R0lGOD", "UklGR"};
  const bool begins = std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                                  [&](std::string_view beginning) { return text.starts_with(beginning); });
  return begins && std::all_of(text.begin(), text.end(), [](char c) {
           return kLetters[static_cast<uint8_t>(c)] != 0 || c == '=' || IsBlank(c) || IsLineEnd(c);
         });
}

}  // namespace gatehouse

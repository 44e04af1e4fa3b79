#include "image/data_url.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr uint8_t kInvalid = 255;

constexpr std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits = {};
  for (uint8_t& digit : digits) digit = kInvalid;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t k = 0; k < kAlphabet.size(); ++k)
    digits[static_cast<uint8_t>(kAlphabet[k])] = static_cast<uint8_t>(k);
  digits['-'] = digits['+'];  // the alphabet for URLs and file names
  digits['_'] = digits['/'];
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

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

class Base64Reader {
 public:
  // letters: about how many will come.
  Base64Reader(size_t letters, size_t max_bytes) : max_bytes_(max_bytes) {
    bytes_.reserve(std::min(letters / 4 * 3 + 3, max_bytes));
  }

  // Takes what it can of text from `at` on in groups of four letters, which is nearly all of a picture, and
  // says where it stopped.
  size_t TakeGroups(std::string_view text, size_t at) {
    const size_t begin = at;
    if (bits_ != 0 || padding_ > 0 || blank_ != kNone) return at;
    for (; text.size() - at >= 4 && max_bytes_ - bytes_.size() >= 3; at += 4) {
      uint32_t digits[4];
      for (size_t k = 0; k < 4; ++k) digits[k] = kDigits[static_cast<uint8_t>(text[at + k])];
      if ((digits[0] | digits[1] | digits[2] | digits[3]) > 63) break;
      const uint32_t group = digits[0] << 18 | digits[1] << 12 | digits[2] << 6 | digits[3];
      const char three[] = {static_cast<char>(group >> 16), static_cast<char>(group >> 8 & 0xff),
                            static_cast<char>(group & 0xff)};
      bytes_.append(three, 3);
    }
    letters_ += at - begin;
    if (at > begin) line_end_ = false;
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
    const uint8_t digit = kDigits[static_cast<uint8_t>(c)];
    if (digit == kInvalid) return WrongLetter(c, place);
    if (padding_ > 0) return BadBase64("more behind the padding, at offset " + std::to_string(place));
    ++letters_;
    buffer_ = (buffer_ << 6 | digit) & 0xffff;
    bits_ += 6;
    if (bits_ < 8) return {};
    bits_ -= 8;
    if (bytes_.size() == max_bytes_) return TooLarge(max_bytes_);
    bytes_.push_back(static_cast<char>(buffer_ >> bits_ & 0xff));
    return {};
  }

  Result<std::string> Finish() {
    if (letters_ == 0) return BadBase64("no data");
    if (letters_ % 4 == 1) return BadBase64("a length of " + std::to_string(letters_));
    if (padding_ > 2 || (padding_ > 0 && (letters_ + padding_) % 4 != 0)) {
      return BadBase64("a padding of " + std::to_string(padding_) + " behind " + std::to_string(letters_) +
                       " letters");
    }
    // What the last letter holds beyond the last byte is zero; where it is not, the text was cut off.
    if ((buffer_ & ((1u << bits_) - 1)) != 0) return BadBase64("bits left over at the end");
    return std::move(bytes_);
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);
  const size_t max_bytes_;
  std::string bytes_;
  uint32_t buffer_ = 0;  // the bits not yet written, in its low `bits_` bits
  int bits_ = 0;
  size_t letters_ = 0, padding_ = 0;
  bool line_end_ = true;  // what stands before this place is a line's end, or the beginning
  size_t blank_ = kNone;  // where a space stands that a line's end has yet to excuse
};

Result<std::string> DecodeLetters(std::string_view text, bool escapes, size_t max_bytes) {
  Base64Reader reader(text.size(), max_bytes);
  for (size_t at = reader.TakeGroups(text, 0); at < text.size(); at = reader.TakeGroups(text, at)) {
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
  if (bytes.ok()) return bytes;
  Error error = bytes.error();
  error.where = "base64";
  return error;
}

bool LooksLikeBase64Image(std::string_view text) {
  // FF D8 FF; 89 "PNG" CR LF; "GIF8"; "RIFF".
  constexpr std::string_view kBeginnings[] = {"/9j/", "_9j_", "iVBORw0K", "R0lGOD", "UklGR"};
  const bool begins = std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                                  [&](std::string_view beginning) { return text.starts_with(beginning); });
  return begins && std::all_of(text.begin(), text.end(), [](char c) {
           return kDigits[static_cast<uint8_t>(c)] != kInvalid || c == '=' || IsBlank(c) || IsLineEnd(c);
         });
}

}  // namespace gatehouse

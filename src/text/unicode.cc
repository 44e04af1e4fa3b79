#include "text/unicode.h"

#include <unicode/uchar.h>

#include <array>

namespace gatehouse {
namespace {

bool IsWhiteSpace(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

uint8_t ComputeClass(char32_t code) {
  uint8_t out = 0;
  switch (u_charType(static_cast<UChar32>(code))) {
    case U_UPPERCASE_LETTER:
    case U_TITLECASE_LETTER:
      out = kUpperish | kLetter;
      break;
    case U_LOWERCASE_LETTER:
      out = kLowerish | kLetter;
      break;
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      out = kUpperish | kLowerish | kLetter;
      break;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
      out = kUpperish | kLowerish;
      break;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      out = kNumber;
      break;
    default:
      break;
  }
  if (IsWhiteSpace(code)) out |= kSpace;
  if (code == '\r' || code == '\n') out |= kNewline;
  return out;
}

// Length of the well-formed sequence at `at`, or 0 and in *bad the length of the maximal ill-formed piece.
size_t WellFormed(std::string_view text, size_t at, size_t* bad) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const unsigned lead = byte(0);
  *bad = 1;
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned low = 0x80, high = 0xBF;  // of the second byte
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (size_t i = 1; i < length; ++i) {
    const unsigned next = byte(i);
    if (at + i >= text.size() || next < low || next > high) {
      *bad = i;
      return 0;
    }
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

void AppendUtf8(char32_t code, std::string* out) {
  const auto put = [out](char32_t byte) {
    out->push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

uint8_t ClassOf(char32_t code) {
  static const std::array<uint8_t, 0x800> kSmall = [] {
    std::array<uint8_t, 0x800> table{};
    for (char32_t c = 0; c < table.size(); ++c) table[c] = ComputeClass(c);
    return table;
  }();
  return code < kSmall.size() ? kSmall[code] : ComputeClass(code);
}

bool IsValidUtf8(std::string_view text) {
  for (size_t at = 0, bad = 0; at < text.size();) {
    const size_t length = WellFormed(text, at, &bad);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string RepairUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0, bad = 0; at < bytes.size();) {
    const size_t length = WellFormed(bytes, at, &bad);
    if (length > 0) {
      out.append(bytes.substr(at, length));
      at += length;
    } else {
      out += "\xEF\xBF\xBD";
      at += bad;
    }
  }
  return out;
}

}  // namespace gatehouse

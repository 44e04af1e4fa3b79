#include "eval/report/display_text.h"

#include <fmt/format.h>
#include <unicode/uchar.h>

#include <cstdint>
#include <iterator>

#include "text/utf8.h"

namespace gatehouse {
namespace {

constexpr uint32_t kZeroWidthNonJoiner = 0x200C, kZeroWidthJoiner = 0x200D;

// Calls visit(code point, its bytes) over text that may be no UTF-8.
template <typename Visit>
void ForEachCodePoint(std::string_view text, Visit&& visit) {
  std::string storage;
  const std::string_view valid = RepairUtf8(text, &storage);
  for (size_t at = 0; at < valid.size();) {
    const CodePoint point = ReadCodePoint(valid.data() + at);
    if (!visit(point.value, valid.substr(at, point.length))) return;
    at += point.length;
  }
}

bool IsJoiner(uint32_t value) { return value == kZeroWidthNonJoiner || value == kZeroWidthJoiner; }

// Characters that show nothing of their own but may change what is around them, and noncharacters, which a
// page must not contain.
bool MustBeWrittenOut(uint32_t value) {
  if (IsJoiner(value)) return false;
  switch (u_charType(static_cast<UChar32>(value))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
    case U_SURROGATE:
      return true;
    default:
      return (value & 0xFFFE) == 0xFFFE || (value >= 0xFDD0 && value <= 0xFDEF);
  }
}

void AppendWrittenOut(uint32_t value, std::string* out) {
  if (value < 0x100) {
    fmt::format_to(std::back_inserter(*out), "\\x{:02x}", value);
  } else if (value < 0x10000) {
    fmt::format_to(std::back_inserter(*out), "\\u{:04x}", value);
  } else {
    fmt::format_to(std::back_inserter(*out), "\\u{{{:x}}}", value);
  }
}

int WidthOf(uint32_t value) {
  const auto point = static_cast<UChar32>(value);
  switch (u_charType(point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(point, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

}  // namespace

std::string HtmlText(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  ForEachCodePoint(text, [&out](uint32_t value, std::string_view bytes) {
    switch (value) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
      case '\t':
        out += bytes;
        break;
      default:
        if (MustBeWrittenOut(value)) {
          AppendWrittenOut(value, &out);
        } else {
          out += bytes;
        }
    }
    return true;
  });
  return out;
}

std::string TerminalText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  ForEachCodePoint(text, [&out](uint32_t value, std::string_view bytes) {
    if (value == '\n') {
      out += "\\n";
    } else if (value == '\t') {
      out += "\\t";
    } else if (MustBeWrittenOut(value)) {
      AppendWrittenOut(value, &out);
    } else {
      out += bytes;
    }
    return true;
  });
  return out;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  ForEachCodePoint(text, [&width](uint32_t value, std::string_view) {
    width += WidthOf(value);
    return true;
  });
  return width;
}

std::string ClippedToWidth(std::string_view text, int width) {
  if (width <= 0) return {};
  if (DisplayWidth(text) <= width) return std::string(text);
  std::string out;
  int used = 0;
  ForEachCodePoint(text, [&](uint32_t value, std::string_view bytes) {
    used += WidthOf(value);
    if (used > width - 1) return false;
    out += bytes;
    return true;
  });
  return out + "…";
}

}  // namespace gatehouse

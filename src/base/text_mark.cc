#include "base/text_mark.h"

#include <cstdint>

namespace gatehouse {
namespace {

void Append(uint32_t code, std::string* out) {
  const auto put = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

// False: an odd byte at the end, or half of a pair.
bool FromUtf16(std::string_view bytes, bool big_endian, std::string* out) {
  if (bytes.size() % 2 != 0) return false;
  const auto unit = [&](size_t at) -> uint32_t {
    const uint32_t first = static_cast<uint8_t>(bytes[at]), second = static_cast<uint8_t>(bytes[at + 1]);
    return big_endian ? first << 8 | second : second << 8 | first;
  };
  out->clear();
  out->reserve(bytes.size() / 2);
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t code = unit(at);
    if (code >= 0xDC00 && code < 0xE000) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      at += 2;
      const uint32_t low = at < bytes.size() ? unit(at) : 0;
      if (low < 0xDC00 || low >= 0xE000) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    Append(code, out);
  }
  return true;
}

}  // namespace

std::string_view Utf8Text(std::string_view bytes, std::string* scratch) {
  if (bytes.starts_with("\xef\xbb\xbf")) return bytes.substr(3);
  const bool little = bytes.starts_with("\xff\xfe"), big = bytes.starts_with("\xfe\xff");
  if ((little || big) && FromUtf16(bytes.substr(2), big, scratch)) return *scratch;
  return bytes;
}

}  // namespace gatehouse

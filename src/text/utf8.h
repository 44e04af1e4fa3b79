// UTF-8: repair of bytes that are none, and reading of code points from text that is.
//
//   std::string storage;
//   std::string_view valid = RepairUtf8(bytes, &storage);  // storage is filled only where repair was needed
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {

// Replaces what is not UTF-8 by U+FFFD, one for each longest prefix of a well-formed sequence, or else for
// each byte: as Python's bytes.decode("utf-8", errors="replace"). The result is text itself where nothing was
// wrong.
std::string_view RepairUtf8(std::string_view text, std::string* storage);

// What stands at the beginning of `text`, which is not empty: a well-formed sequence, or else the bytes of
// the longest prefix of one (at least one byte).
struct Utf8Sequence {
  size_t length;
  bool valid;
};
Utf8Sequence ReadUtf8Sequence(std::string_view text);

// Writes a code point (not a surrogate, at most U+10FFFF) behind `out`.
void AppendUtf8(uint32_t code, std::string* out);

// Bytes of the longest well-formed beginning.
size_t ValidUtf8Prefix(std::string_view text);

struct CodePoint {
  uint32_t value;
  uint32_t length;  // bytes, 1 to 4
};

// The code point at `at`, which must be the start of one in well-formed text.
inline CodePoint ReadCodePoint(const char* at) {
  const auto byte = [at](int index) { return static_cast<uint32_t>(static_cast<unsigned char>(at[index])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

}  // namespace gatehouse

// Characters: decoding of UTF-8, and the classes that pre-tokenisers cut by. Categories are ICU's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {

// One decoded character and how many bytes it took. Only for valid UTF-8.
struct Decoded {
  char32_t code;
  int bytes;
};

inline Decoded DecodeOne(const char* at) {
  const auto byte = [at](int i) { return static_cast<char32_t>(static_cast<unsigned char>(at[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

void AppendUtf8(char32_t code, std::string* out);

// Bits of a character's class.
enum CharClass : uint8_t {
  kUpperish = 1,  // Lu Lt Lm Lo M
  kLowerish = 2,  // Ll Lm Lo M
  kLetter = 4,    // L
  kNumber = 8,    // N
  kSpace = 16,    // White_Space
  kNewline = 32,  // \r \n
};

uint8_t ClassOf(char32_t code);

bool IsValidUtf8(std::string_view text);
// Every maximal ill-formed piece becomes U+FFFD, as Python's bytes.decode('utf-8', errors='replace') does.
std::string RepairUtf8(std::string_view bytes);

}  // namespace gatehouse

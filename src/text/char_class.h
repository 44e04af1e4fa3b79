// What the split patterns ask of a character: its Unicode category, as a few bits.
//
//   const CharClasses& classes = CharClasses::Get();
//   if (classes[0x41] & kLetter) ...
#pragma once

#include <cstdint>
#include <vector>

namespace gatehouse {

enum CharClass : uint8_t {
  kUpperish = 1,  // Lu Lt Lm Lo M: what may begin a word of o200k
  kLowerish = 2,  // Ll Lm Lo M: what may go on with it
  kLetter = 4,    // L
  kNumber = 8,    // N
  kSpace = 16,    // White_Space
  kNewline = 32,  // CR and LF
};

class CharClasses {
 public:
  // One table for the process, made on first use (under a millisecond), then constant.
  static const CharClasses& Get();
  uint8_t operator[](uint32_t code_point) const { return bits_[code_point]; }  // code_point <= U+10FFFF

 private:
  CharClasses();
  std::vector<uint8_t> bits_;  // [0x110000]
};

}  // namespace gatehouse

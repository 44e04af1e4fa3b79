#include "formats/byte_alphabet.h"

#include <array>
#include <cstdint>

namespace gatehouse {
namespace {

constexpr int kStandIns = 0x100;          // first character that stands for another byte
constexpr int kAlphabetEnd = 0x100 + 68;  // 68 bytes have no printable form of their own

constexpr bool IsPrintable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Byte of each character below kAlphabetEnd, -1: none.
constexpr std::array<int16_t, kAlphabetEnd> MakeTable() {
  std::array<int16_t, kAlphabetEnd> table{};
  int next = kStandIns;
  for (int byte = 0; byte < kStandIns; ++byte) table[byte] = -1;
  for (int byte = 0; byte < kStandIns; ++byte) {
    table[IsPrintable(byte) ? byte : next++] = static_cast<int16_t>(byte);
  }
  return table;
}
constexpr auto kByteOf = MakeTable();

}  // namespace

bool FromByteAlphabet(std::string_view text, std::string* bytes) {
  bytes->clear();
  for (size_t at = 0; at < text.size();) {
    const auto first = static_cast<unsigned char>(text[at]);
    int character = first;
    if (first >= 0x80) {
      // All of the alphabet lies below U+0800: two bytes at most.
      if (first < 0xC2 || first > 0xDF || at + 1 >= text.size()) return false;
      const auto second = static_cast<unsigned char>(text[at + 1]);
      if ((second & 0xC0) != 0x80) return false;
      character = (first & 0x1F) << 6 | (second & 0x3F);
    }
    if (character >= kAlphabetEnd || kByteOf[character] < 0) return false;
    bytes->push_back(static_cast<char>(kByteOf[character]));
    at += first >= 0x80 ? 2 : 1;
  }
  return true;
}

}  // namespace gatehouse

#include "formats/byte_alphabet.h"

#include <array>

namespace gatehouse {
namespace {

// Printable bytes stand for themselves; the others take the characters from U+0100 on, in order.
constexpr std::array<int16_t, 0x144> MakeTable() {
  std::array<int16_t, 0x144> table{};
  for (int16_t& entry : table) entry = -1;
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    table[static_cast<size_t>(printable ? byte : next++)] = static_cast<int16_t>(byte);
  }
  return table;
}

constexpr std::array<int16_t, 0x144> kByteOf = MakeTable();

}  // namespace

std::optional<std::string> BytesOfAlphabet(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const unsigned lead = static_cast<unsigned char>(text[at++]);
    unsigned code = lead;
    if (lead >= 0x80) {
      if (lead < 0xC2 || lead > 0xDF || at >= text.size()) return std::nullopt;
      code = (lead & 0x1F) << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
    }
    if (code >= kByteOf.size() || kByteOf[code] < 0) return std::nullopt;
    out.push_back(static_cast<char>(static_cast<unsigned char>(kByteOf[code])));
  }
  return out;
}

}  // namespace gatehouse

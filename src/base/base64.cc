#include "base/base64.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gatehouse {
namespace {

// OpenSSL counts in int; pieces of whole groups can be joined.
constexpr size_t kPieceBytes = size_t{3} << 20;
constexpr size_t kPieceLetters = kPieceBytes / 3 * 4;

unsigned char* Unsigned(char* at) { return reinterpret_cast<unsigned char*>(at); }
const unsigned char* Unsigned(const char* at) { return reinterpret_cast<const unsigned char*>(at); }

constexpr std::array<bool, 256> MakeLetters() {
  std::array<bool, 256> letters = {};
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char letter : kAlphabet) letters[static_cast<unsigned char>(letter)] = true;
  return letters;
}
constexpr std::array<bool, 256> kLetters = MakeLetters();
bool IsLetter(char c) { return kLetters[static_cast<unsigned char>(c)]; }

}  // namespace

std::string EncodeBase64(std::span<const std::byte> bytes) {
  std::string out;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
    const size_t at = out.size(), size = (piece.size() + 2) / 3 * 4;
    out.resize(at + size + 1);  // OpenSSL writes a zero behind it
    EVP_EncodeBlock(Unsigned(out.data() + at), reinterpret_cast<const unsigned char*>(piece.data()),
                    static_cast<int>(piece.size()));
    out.resize(at + size);
    bytes = bytes.subspan(piece.size());
  }
  return out;
}

std::optional<std::string> DecodeBase64Letters(std::string_view letters) {
  const size_t rest = letters.size() % 4, groups = letters.size() / 4;
  if (rest == 1 || !std::all_of(letters.begin(), letters.end(), IsLetter)) return std::nullopt;
  std::string out(groups * 3, '\0');
  for (size_t at = 0; at < groups * 4; at += kPieceLetters) {
    const size_t count = std::min(groups * 4 - at, kPieceLetters);
    if (EVP_DecodeBlock(Unsigned(out.data() + at / 4 * 3), Unsigned(letters.data() + at),
                        static_cast<int>(count)) < 0)
      return std::nullopt;
  }
  if (rest == 0) return out;
  // "A" is six zero bits: what the last letter holds beyond the last byte appears as a byte that is not zero.
  std::array<char, 4> group = {'A', 'A', 'A', 'A'};
  std::array<char, 3> tail = {};
  std::memcpy(group.data(), letters.data() + groups * 4, rest);
  if (EVP_DecodeBlock(Unsigned(tail.data()), Unsigned(group.data()), 4) < 0) return std::nullopt;
  if (std::any_of(tail.begin() + static_cast<std::ptrdiff_t>(rest - 1), tail.end(),
                  [](char c) { return c != '\0'; }))
    return std::nullopt;
  return out.append(tail.data(), rest - 1);
}

}  // namespace gatehouse

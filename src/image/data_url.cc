#include "image/data_url.h"

#include <algorithm>
#include <array>
#include <cstdint>

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
  return digits;
}
constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Removes `prefix` (lower case) from the front of text, whatever its case there.
bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  if (!std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return a == Lower(b); })) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

// Whether a character may stand in a media subtype, such as "svg+xml".
bool IsSubtype(char c) {
  const char lower = Lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-';
}

Error BadUrl(std::string found) {
  return BadInput("bad image URL", "data URL", "data:image/<type>;base64,<base64>", std::move(found));
}

Error BadBase64(std::string found) {
  return BadInput("bad base64", "data URL", "canonical base64 with padding", std::move(found));
}

}  // namespace

Result<std::string> DecodeDataUrl(std::string_view url, size_t max_bytes) {
  std::string_view text = url;
  if (!TakePrefix(text, "data:image/")) return BadUrl("another kind of URL");
  size_t subtype = 0;
  while (subtype < text.size() && IsSubtype(text[subtype])) ++subtype;
  text.remove_prefix(subtype);
  if (subtype == 0 || !TakePrefix(text, ";base64,")) return BadUrl("another media type or encoding");

  if (text.empty()) return BadBase64("no data");
  if (text.size() % 4 != 0) return BadBase64("a length of " + std::to_string(text.size()));
  size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  const size_t size = text.size() / 4 * 3 - padding;
  if (size > max_bytes) {
    return BadInput("image too large", "data URL", "at most " + std::to_string(max_bytes) + " bytes",
                    std::to_string(size) + " bytes");
  }

  std::string bytes;
  bytes.reserve(size);
  const size_t digits = text.size() - padding;
  uint32_t buffer = 0;  // the bits not yet written, in its low `bits` bits
  int bits = 0;
  for (size_t k = 0; k < digits; ++k) {
    const uint8_t digit = kDigits[static_cast<uint8_t>(text[k])];
    if (digit == kInvalid) return BadBase64("another character at offset " + std::to_string(k));
    buffer = (buffer << 6 | digit) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(buffer >> bits & 0xff));
  }
  // The bits that padding cuts off must be zero, or one image would have many spellings.
  if ((buffer & ((1u << bits) - 1)) != 0) return BadBase64("stray bits before the padding");
  return bytes;
}

}  // namespace gatehouse

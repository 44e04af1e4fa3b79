// Base64 (RFC 4648) by OpenSSL, whose reader alone would be too kind: it passes over blanks, takes padding
// anywhere for zeros and forgets bits that are left over.
//
//   EncodeBase64(bytes);         // "Zm9vYg=="
//   DecodeBase64Letters("Zm9vYg");  // "foob"
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gatehouse {

// With padding, on one line.
std::string EncodeBase64(std::span<const std::byte> bytes);

// The bytes of letters of the standard alphabet, padding taken off. Nothing: another character, a length that
// no bytes have, or bits left over behind the last byte (the text was cut).
std::optional<std::string> DecodeBase64Letters(std::string_view letters);

}  // namespace gatehouse

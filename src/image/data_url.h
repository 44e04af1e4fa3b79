// Images inside a JSON request: data URLs ("data:image/png;base64,iVBORw0...") and base64 alone.
//
//   GATEHOUSE_ASSIGN(const std::string bytes, DecodeDataUrl(url));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

constexpr size_t kMaxEncodedImageBytes = size_t{20} << 20;

// "data:", in any case.
bool IsDataUrl(std::string_view text);

// The bytes of a data URL of an image: "data:image/<type>", parameters if any (";charset=utf-8"), ";base64"
// or not, a comma, and the data, percent escapes in it included. Scheme, type and "base64" in any case.
// Without ";base64" the data is bytes with percent escapes. The type that it claims is not believed:
// DecodeImage looks at the content. Errors (kBadInput): another form, a comma within quotes, what
// DecodeBase64 says, a broken escape, bytes that a URL cannot hold.
Result<std::string> DecodeDataUrl(std::string_view url, size_t max_bytes = kMaxEncodedImageBytes);

// Base64 as people send it: letters of either alphabet ("+/" or "-_"), padding or none, in one line or many
// (spaces and tabs may stand around a line's end, nowhere else: there they were a "+" once). Errors
// (kBadInput): another letter, padding that is too short or too long, a length that no data has, bits that
// are left over (the end is missing), nothing at all, more than max_bytes bytes.
Result<std::string> DecodeBase64(std::string_view text, size_t max_bytes = kMaxEncodedImageBytes);

// Whether text is nothing but letters of base64 and begins as a JPEG, PNG, GIF or WebP file does in base64.
bool LooksLikeBase64Image(std::string_view text);

}  // namespace gatehouse

// Images inside a JSON request: "data:image/png;base64,iVBORw0...".
//
//   GATEHOUSE_ASSIGN(const std::string bytes, DecodeDataUrl(url));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

// The bytes of a data URL of an image. Strict: "data:image/<type>;base64," and canonical base64 with its
// padding, no white space, no percent escapes. The type that it claims is not believed: DecodeImage looks at
// the content. Errors (kBadInput): another form, bad base64, more than max_bytes bytes (checked before
// decoding).
Result<std::string> DecodeDataUrl(std::string_view url, size_t max_bytes = size_t{20} << 20);

}  // namespace gatehouse

// Whether bytes are UTF-8, and where they stop being it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

// Place of the first byte that begins no well-formed sequence; npos where there is none.
size_t FirstInvalidUtf8(std::string_view text);

// Text of others for a message: at most max_bytes bytes, cut between characters, with "..." where something
// was cut; bytes that are no UTF-8 and control characters are "?".
std::string CleanText(std::string_view text, size_t max_bytes);

}  // namespace gatehouse

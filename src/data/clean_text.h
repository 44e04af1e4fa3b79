// Text of others for a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse {

// At most max_bytes bytes, cut between characters, with "..." where something was cut; bytes that are no
// UTF-8 and control characters are "?".
std::string CleanText(std::string_view text, size_t max_bytes);

}  // namespace gatehouse

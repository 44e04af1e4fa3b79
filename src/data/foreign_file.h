// Files that people take for data files and that hold no text, by their first bytes.
#pragma once

#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

// head: the first bytes, 512 or all that there are. Errors: kBadInput that says what the file is and, where
// there is a short way, how to make one that can be read.
Result<void> CheckIsText(std::string_view head, const std::string& path);

}  // namespace gatehouse

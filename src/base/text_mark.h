// Byte order marks: editors and shells put one before a text, and PowerShell writes UTF-16 behind it.
//
//   std::string scratch;
//   const std::string_view text = Utf8Text(bytes, &scratch);  // UTF-8 without a mark
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// UTF-8 without its mark, in place; UTF-16 of either order, told by its mark, as UTF-8 in *scratch. Bytes
// that are no UTF-16 behind such a mark, and all others, come back as they are: the reader of what they hold
// refuses them. scratch must outlive the result.
std::string_view Utf8Text(std::string_view bytes, std::string* scratch);

}  // namespace gatehouse

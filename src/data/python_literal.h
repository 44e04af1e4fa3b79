// Lists and dictionaries as Python prints them: how structured columns look in a CSV file that pandas wrote.
//
//   ParsePythonLiteral("[{'role': 'user', 'content': \"it's\"}]");  // [{"role": "user", "content": "it's"}]
#pragma once

#include <optional>
#include <string_view>

#include "formats/json.h"

namespace gatehouse {

// Strings, numbers, None, True, False, lists, tuples, sets (both as lists) and dictionaries with strings as
// keys, as Python's repr() writes them. Nothing where the text is anything else: other expressions, bytes, a
// key twice, half a surrogate pair, nan, more than 64 levels.
std::optional<Json> ParsePythonLiteral(std::string_view text);

}  // namespace gatehouse

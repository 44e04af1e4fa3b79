// Cells of a table that hold a list as text, in JSON or as Python prints it.
#pragma once

#include <optional>
#include <string>

#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The value of a text that is, as a whole, JSON or a Python literal; nothing where it is neither.
std::optional<Json> ParseCell(const std::string& text);

// The messages of a text that is a list of objects with a role each; nothing where it is another text.
// Errors: kBadInput: it begins as such a list does and cannot be read as one: judged as it is, it would be
// another conversation than the one that was meant. where: for messages.
Result<std::optional<Json>> ChatOfCell(const std::string& text, const std::string& where);

// Whether a value is a list of messages.
bool IsChat(const Json& value);

}  // namespace gatehouse

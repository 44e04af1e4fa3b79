// Calls of tools as text: what an assistant does by a function is judged as if it had written
// `name(arguments)`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation.h"
#include "gatehouse/conversation_json.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The member tool_calls of a message: a text part for each call, added to `out`.
Result<void> ReadToolCalls(const Json& list, const ConversationOptions& options, const std::string& where,
                           std::vector<Part>* out);

// An object with a name and, in the member `arguments_name`, arguments: a string that holds JSON, or the JSON
// itself, which is written compactly. None: `name()`.
Result<void> ReadCall(const Json& call, const char* arguments_name, const std::string& where,
                      std::vector<Part>* out);

// JSON text with its \uXXXX escapes written as the characters they stand for: many clients escape every
// letter that is not ASCII, and nobody can judge that. Control characters, quotes, backslashes and halves of
// pairs stay escaped. Text that is no JSON comes back unchanged.
std::string ReadableJson(const std::string& text);

}  // namespace gatehouse

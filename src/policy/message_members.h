// Which members a message, a part or a call may have. What is not listed here and holds something is an
// error: a text that nobody reads would be called safe.
//
//   GATEHOUSE_TRY(CheckMembers(message, kMessageMembers, options, where));
//   if (const Json* refusal = Present(message, "refusal")) ...
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation_json.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Names, divided by spaces.
struct MemberTable {
  std::string_view read;
  std::string_view labels;      // ignored: a string, a number, true or false that is no part of what is said
  std::string_view asides;      // ignored, whatever their shape
  std::string_view flags = "";  // ignored: a number, true or false
};

extern const MemberTable kObjectMembers;  // around a list of messages
extern const MemberTable kMessageMembers;
extern const MemberTable kCallItemMembers;    // function_call, custom_tool_call between messages
extern const MemberTable kResultItemMembers;  // function_call_output, custom_tool_call_output
extern const MemberTable kReasoningItemMembers;
extern const MemberTable kToolCallMembers;  // an entry of tool_calls
extern const MemberTable kFunctionMembers;  // its function, and function_call
extern const MemberTable kCustomMembers;    // its custom
extern const MemberTable kTextPartMembers;  // text, thinking and refusals, each with a member of its own
extern const MemberTable kImageUrlPartMembers;
extern const MemberTable kImageUrlMembers;  // the object in it
extern const MemberTable kImagePartMembers;
extern const MemberTable kImageSourceMembers;
extern const MemberTable kToolUseMembers;
extern const MemberTable kToolResultMembers;

// null, "", [] and {}: as if the member were not there.
bool IsAbsent(const Json& value);

// The member, or null where the object lacks it or it is absent.
const Json* Present(const Json& object, const char* name);

// Whether the member says nothing: it is absent, or in the table as one to ignore.
bool IsIgnored(const MemberTable& table, std::string_view name, const Json& value);

// What cannot be judged is the error, or, where it is left out (ConversationOptions), its place is noted.
Result<void> LeaveOut(std::vector<std::string>* left_out, Error error);

// Errors (kBadInput), unless they are left out: a member that is neither read nor ignored. also_read: one
// more name that is read.
Result<void> CheckMembers(const Json& object, const MemberTable& table, const ConversationOptions& options,
                          const std::string& where, std::string_view also_read = {});

// The text of a member that must be a string, and not an empty one.
Result<std::string> RequiredText(const Json& object, const char* name, const std::string& where);

}  // namespace gatehouse

#include "policy/message_entry.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "policy/message_calls.h"
#include "policy/message_members.h"

namespace gatehouse {
namespace {

using Kind = MessageEntry::Kind;

struct RoleRule {
  std::string_view name;
  Kind kind;
  Role role;
};
constexpr RoleRule kRoles[] = {
    {"user", Kind::kMessage, Role::kUser},    {"assistant", Kind::kMessage, Role::kAssistant},
    {"system", Kind::kSystem, Role::kUser},   {"developer", Kind::kSystem, Role::kUser},
    {"tool", Kind::kToolResult, Role::kUser}, {"function", Kind::kToolResult, Role::kUser},
};

}  // namespace

Result<MessageEntry> EntryReader::Read(const Json& json, const std::string& where) {
  if (json.is_object()) {
    const Json* type = Present(json, "type");
    if (type != nullptr && *type != "message") return ReadItem(json, where);
  }
  if (!json.is_object() || !json.contains("role") || !json["role"].is_string())
    return BadInput("malformed message", where, "an object with role and content", ShortJson(json));
  MessageEntry entry;
  entry.role = json["role"].get<std::string>();
  const auto* rule = std::find_if(std::begin(kRoles), std::end(kRoles),
                                  [&](const RoleRule& r) { return r.name == entry.role; });
  if (rule == std::end(kRoles)) {
    return BadInput("unknown role", where + ".role", "user, assistant, system, developer, tool or function",
                    "\"" + entry.role.substr(0, 60) + "\"");
  }
  entry.kind = rule->kind;
  entry.message.role = rule->role;
  if (entry.kind == Kind::kSystem && options_.system == SystemMessages::kRefuse) {
    return BadInput("system messages are not judged", where + ".role",
                    "user or assistant (or --system=drop, --system=as-user)", entry.role);
  }
  if (entry.kind == Kind::kToolResult) GATEHOUSE_TRY(CheckTools(options_, where + ".role", entry.role));
  GATEHOUSE_TRY(ReadMembers(json, where, &entry.message.parts));
  return entry;
}

// Reasoning, content, images, refusal, calls: the order in which they are judged.
Result<void> EntryReader::ReadMembers(const Json& json, const std::string& where, std::vector<Part>* out) {
  GATEHOUSE_TRY(CheckMembers(json, kMessageMembers, options_, where));
  GATEHOUSE_TRY(ReadReasoning(json, where, out));
  if (const Json* content = Present(json, "content"))
    GATEHOUSE_TRY(parts_.ReadContent(*content, where + ".content", out));
  if (const Json* images = Present(json, "images"))
    GATEHOUSE_TRY(parts_.ReadImages(*images, where + ".images", out));
  if (Present(json, "refusal") != nullptr) {
    GATEHOUSE_ASSIGN(std::string refusal, RequiredText(json, "refusal", where));
    out->push_back(Part::Text(std::move(refusal)));
  }
  if (const Json* calls = Present(json, "tool_calls")) {
    GATEHOUSE_TRY(CheckTools(options_, where + ".tool_calls", "calls"));
    GATEHOUSE_TRY(ReadToolCalls(*calls, options_, where + ".tool_calls", out));
  }
  if (const Json* call = Present(json, "function_call")) {
    const std::string at = where + ".function_call";
    GATEHOUSE_TRY(CheckTools(options_, at, "a call"));
    if (!call->is_object()) return BadInput("malformed function call", at, "an object", ShortJson(*call));
    GATEHOUSE_TRY(CheckMembers(*call, kFunctionMembers, options_, at));
    GATEHOUSE_TRY(ReadCall(*call, "arguments", at, out));
  }
  if (!out->empty()) return {};
  if (options_.left_out != nullptr && !options_.left_out->empty()) {
    out->push_back(Part::Text({}));  // the turn stands, whatever was in it
    return {};
  }
  // An empty text is a content, if a short one; null and an empty list are none.
  const auto content = json.find("content");
  if (content == json.end())
    return BadInput("message without content", where + ".content", "a string or a list of parts", "nothing");
  return parts_.ReadContent(*content, where + ".content", out);
}

// Servers give the same thoughts under several names at once: a text that stands there already is not
// repeated.
Result<void> EntryReader::ReadReasoning(const Json& json, const std::string& where, std::vector<Part>* out) {
  std::set<std::string> known;
  for (const char* name :
       {"reasoning_content", "reasoning", "thinking", "thinking_blocks", "reasoning_details"}) {
    const Json* value = Present(json, name);
    if (value == nullptr) continue;
    std::vector<Part> found;
    GATEHOUSE_TRY(parts_.ReadContent(*value, where + "." + name, &found));
    for (Part& part : found) {
      if (part.kind != Part::Kind::kText || known.insert(part.text).second) out->push_back(std::move(part));
    }
  }
  return {};
}

Result<MessageEntry> EntryReader::ReadItem(const Json& item, const std::string& where) {
  const std::string type = item["type"].is_string() ? item["type"].get<std::string>() : std::string();
  MessageEntry entry;
  entry.role = type;
  std::vector<Part>* out = &entry.message.parts;
  if (type == "function_call" || type == "custom_tool_call") {
    entry.kind = Kind::kPiece;
    entry.message.role = Role::kAssistant;
    GATEHOUSE_TRY(CheckTools(options_, where + ".type", type));
    GATEHOUSE_TRY(CheckMembers(item, kCallItemMembers, options_, where));
    const char* arguments = type == "function_call" ? "arguments" : "input";
    const char* other = type == "function_call" ? "input" : "arguments";
    if (const Json* value = Present(item, other)) {
      GATEHOUSE_TRY(LeaveOut(options_.left_out, BadInput("member that is not judged", where + "." + other,
                                                         "no such member", ShortJson(*value))));
    }
    GATEHOUSE_TRY(ReadCall(item, arguments, where, out));
  } else if (type == "function_call_output" || type == "custom_tool_call_output") {
    entry.kind = Kind::kToolResult;
    entry.message.role = Role::kUser;
    GATEHOUSE_TRY(CheckTools(options_, where + ".type", type));
    GATEHOUSE_TRY(CheckMembers(item, kResultItemMembers, options_, where));
    if (!item.contains("output"))
      return BadInput("message without content", where + ".output", "a string or a list of parts", "nothing");
    GATEHOUSE_TRY(parts_.ReadContent(item["output"], where + ".output", out));
    if (out->empty()) out->push_back(Part::Text({}));
  } else if (type == "reasoning") {
    entry.kind = Kind::kPiece;
    entry.message.role = Role::kAssistant;
    GATEHOUSE_TRY(CheckMembers(item, kReasoningItemMembers, options_, where));
    for (const char* name : {"summary", "content"}) {
      const Json* value = Present(item, name);
      if (value != nullptr) GATEHOUSE_TRY(parts_.ReadContent(*value, where + "." + name, out));
    }
  } else {
    return BadInput("item that cannot be judged", where + ".type",
                    "message, function_call, custom_tool_call, their outputs, or reasoning",
                    ShortJson(item["type"]));
  }
  return entry;
}

}  // namespace gatehouse

#include "server/litellm.h"

#include "base/error.h"
#include "formats/json.h"
#include "policy/conversation_json.h"
#include "server/messages.h"

namespace gatehouse::server {
namespace {

const Json* List(const Json& root, const char* name) {
  const auto found = root.find(name);
  return found == root.end() || found->is_null() ? nullptr : &*found;
}

// A call of a tool as the text that it is judged by; the reader of messages knows how.
Result<Conversation> ReadCall(const Json& call, const std::string& where) {
  const Json messages =
      Json::array({Json{{"role", "user"}, {"content", ""}},
                   Json{{"role", "assistant"}, {"content", nullptr}, {"tool_calls", {call}}}});
  return ReadMessages(messages, where, {});
}

Result<Conversation> ReadImage(const Json& image, const std::string& where, Role role, size_t max_bytes) {
  ConversationOptions options;
  options.max_image_bytes = max_bytes;
  const Json part = {{"type", "image_url"}, {"image_url", {{"url", image}}}};
  Result<Conversation> read =
      ReadMessages(Json::array({Json{{"role", "user"}, {"content", Json::array({part})}}}), where, options);
  if (!read.ok()) return read.error();
  return ConversationOf(std::move(read->messages.front()), role);
}

Result<void> CheckCount(const Asked& asked) {
  if (asked.conversations.size() <= kMaxInputs) return {};
  return BadInput("too many texts", "texts",
                  "at most " + std::to_string(kMaxInputs) + " with images and calls",
                  std::to_string(asked.conversations.size()));
}

std::string ReasonFor(const std::vector<Verdict>& verdicts) {
  std::string keys;
  for (const Verdict& verdict : verdicts) {
    for (const std::string& key : verdict.unsafe ? verdict.categories : std::vector<std::string>()) {
      if ((", " + keys + ",").find(", " + key + ",") == std::string::npos)
        keys += (keys.empty() ? "" : ", ") + key;
    }
  }
  return keys.empty() ? "unsafe" : "unsafe: " + keys;
}

}  // namespace

Result<Asked> ReadLiteLlm(const Request& request, const Surroundings& around) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(request.body, "body", ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed request", "body", "an object", ShortJson(root));
  const auto type = root.find("input_type");
  if (type == root.end() || (*type != "request" && *type != "response"))
    return BadInput("malformed request", "input_type", "request or response",
                    type == root.end() ? "nothing" : ShortJson(*type));
  const Role role = *type == "request" ? Role::kUser : Role::kAssistant;
  Asked out;
  out.options = around.defaults;
  for (const char* name : {"texts", "images", "tool_calls"}) {
    const Json* list = List(root, name);
    if (list == nullptr) continue;
    if (!list->is_array()) return BadInput("malformed request", name, "a list", ShortJson(*list));
    for (size_t i = 0; i < list->size(); ++i) {
      const Json& entry = (*list)[i];
      const std::string where = std::string(name) + "[" + std::to_string(i) + "]";
      if (name == std::string_view("tool_calls")) {
        GATEHOUSE_ASSIGN(Conversation call, ReadCall(entry, where));
        out.conversations.push_back(std::move(call));
      } else if (!entry.is_string()) {
        return BadInput("malformed request", where, "a string", ShortJson(entry));
      } else if (name == std::string_view("images")) {
        GATEHOUSE_ASSIGN(Conversation image, ReadImage(entry, where, role, around.max_image_bytes));
        out.conversations.push_back(std::move(image));
      } else {
        out.conversations.push_back(
            ConversationOf({Role::kUser, {Part::Text(entry.get<std::string>())}}, role));
      }
      out.names.push_back(where);
      GATEHOUSE_TRY(CheckCount(out));
    }
  }
  out.answer = [](const std::vector<Verdict>& verdicts) {
    bool unsafe = false;
    for (const Verdict& verdict : verdicts) unsafe = unsafe || verdict.unsafe;
    Json body = {{"action", unsafe ? "BLOCKED" : "NONE"}};
    if (unsafe) body["blocked_reason"] = ReasonFor(verdicts);
    return JsonResponse(200, JsonLine(body));
  };
  return out;
}

}  // namespace gatehouse::server

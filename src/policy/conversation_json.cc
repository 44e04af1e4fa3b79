#include "policy/conversation_json.h"

#include <utility>

#include "base/error.h"
#include "formats/json.h"
#include "policy/message_members.h"
#include "policy/raw_member.h"

namespace gatehouse {
namespace {

Result<void> ReadCategories(const Json& value, const std::string& where, CategoryChoice* out) {
  if (!value.is_object() || value.empty())
    return BadInput("malformed categories", where, "an object from key to text, not empty", ShortJson(value));
  for (const auto& [category, text] : value.items()) {
    if (!text.is_string())
      return BadInput("malformed categories", where + ": " + category, "a string", ShortJson(text));
    out->custom.emplace_back(category, text.get<std::string>());
  }
  return {};
}

Result<void> ReadExclude(const Json& value, const std::string& where, CategoryChoice* out) {
  if (!value.is_array()) return BadInput("malformed exclude", where, "a list of keys", ShortJson(value));
  for (const Json& category : value) {
    if (!category.is_string())
      return BadInput("malformed exclude", where, "a list of keys", ShortJson(value));
    out->exclude.push_back(category.get<std::string>());
  }
  return {};
}

}  // namespace

Result<ConversationInput> ReadConversation(const Json& root, const std::string& name,
                                           const ConversationOptions& options) {
  ConversationInput out;
  if (root.is_array()) {
    GATEHOUSE_ASSIGN(out.conversation, ReadMessages(root, name, options));
    return out;
  }
  if (!root.is_object())
    return BadInput("malformed conversation", name, "a list of messages, or an object with messages",
                    ShortJson(root));
  for (const auto& [key, value] : root.items()) {
    const std::string where = name + ": " + key;
    if (key == "id") {
      out.id = JsonLine(value);
    } else if (key == "categories" && !value.is_null()) {
      GATEHOUSE_TRY(ReadCategories(value, where, &out.choice));
    } else if (key == "exclude" && !value.is_null()) {
      GATEHOUSE_TRY(ReadExclude(value, where, &out.choice));
    } else if (key != "messages" && !IsIgnored(kObjectMembers, key, value)) {
      return BadInput("unknown field", where, "id, messages, categories or exclude", "\"" + key + "\"");
    }
  }
  if (!root.contains("messages"))
    return BadInput("missing field", name + ": messages", "a list of messages", "nothing");
  GATEHOUSE_ASSIGN(out.conversation, ReadMessages(root["messages"], name + ": messages", options));
  return out;
}

Result<ConversationInput> ParseConversation(std::string_view json, const std::string& name,
                                            const ConversationOptions& options) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(json, name, ErrorCode::kBadInput));
  GATEHOUSE_ASSIGN(ConversationInput out, ReadConversation(root, name, options));
  // As it stands there, and not as a parsed number would be written.
  if (const std::string id = root.is_object() ? OnOneLine(RawMember(json, "id")) : std::string(); !id.empty())
    out.id = id;
  return out;
}

Result<JsonConversation> ReadConversationJson(std::string_view json, const ConversationOptions& options) {
  GATEHOUSE_ASSIGN(ConversationInput input, ParseConversation(json, "conversation", options));
  return JsonConversation{std::move(input.conversation), std::move(input.choice.custom),
                          std::move(input.choice.exclude), std::move(input.id)};
}

}  // namespace gatehouse

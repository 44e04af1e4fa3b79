#include "server/messages.h"

#include "policy/conversation_json.h"

namespace gatehouse::server {
namespace {

// Whether the assistant speaks first, whoever set the scene.
bool AssistantBegins(const Json& messages) {
  if (!messages.is_array()) return false;
  for (const Json& message : messages) {
    const auto role = message.is_object() ? message.find("role") : message.end();
    if (!message.is_object() || role == message.end()) return false;
    if (*role == "system" || *role == "developer") continue;
    return *role == "assistant";
  }
  return false;
}

}  // namespace

Result<Conversation> ReadChat(const Json& messages, const std::string& where, size_t max_image_bytes,
                              std::vector<std::string>* left_out) {
  ConversationOptions options;
  options.system = SystemMessages::kAsUser;
  options.merge = true;
  options.max_image_bytes = max_image_bytes;
  options.left_out = left_out;
  if (!AssistantBegins(messages)) return ReadMessages(messages, where, options);
  // System messages lead the user's turn, whose own text is empty.
  Json list = messages;
  auto first = list.begin();
  while ((*first)["role"] != "assistant") ++first;
  list.insert(first, Json{{"role", "user"}, {"content", ""}});
  return ReadMessages(list, where, options);
}

Conversation ConversationOf(Message message, Role role) {
  Conversation out;
  if (role == Role::kAssistant) out.AddUser("");
  message.role = role;
  out.messages.push_back(std::move(message));
  return out;
}

}  // namespace gatehouse::server

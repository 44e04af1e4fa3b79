// Conversations in JSON: a list of messages in OpenAI's shape, or an object with the list and the categories
// to judge by. This reads text only; images are fetched through the callbacks.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "policy/policy.h"

namespace gatehouse {

enum class SystemMessages {
  kRefuse,  // an error
  kDrop,
  kAsUser,  // the text becomes the first text part of the next user message
};

struct ConversationOptions {
  SystemMessages system = SystemMessages::kRefuse;
  // Encoded bytes of an image. Null: images of that kind are refused.
  std::function<Result<std::string>(const std::string& url)> load_url;
  std::function<Result<std::string>(const std::string& path)> load_path;
};

struct ConversationInput {
  Conversation conversation;
  CategoryChoice choice;
  std::string id;  // as JSON text; empty where the object has none
};

// name: the file or line, for messages. Errors: kBadInput, naming the field.
Result<ConversationInput> ParseConversation(std::string_view json, const std::string& name,
                                            const ConversationOptions& options);

}  // namespace gatehouse

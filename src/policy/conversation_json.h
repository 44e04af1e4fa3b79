// Conversations in JSON: a list of messages in OpenAI's shape or a relative of it, or an object with the list
// and the categories to judge by. Everything that reads messages reads them here.
//
//   GATEHOUSE_ASSIGN(ConversationInput input, ParseConversation(text, "line 3", options));
//   GATEHOUSE_ASSIGN(Conversation chat, ReadMessages(row["messages"], "messages", options));
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "gatehouse/conversation.h"
#include "gatehouse/conversation_json.h"
#include "gatehouse/result.h"
#include "policy/policy.h"

namespace gatehouse {

struct ConversationInput {
  Conversation conversation;
  CategoryChoice choice;
  std::string id;  // as JSON text; empty where the object has none
};

// name: the file or line, for messages. Errors: kBadInput, naming the member.
Result<ConversationInput> ParseConversation(std::string_view json, const std::string& name,
                                            const ConversationOptions& options);

// The same of a text that was parsed before, by ParseJson or as strictly.
Result<ConversationInput> ReadConversation(const nlohmann::ordered_json& json, const std::string& name,
                                           const ConversationOptions& options);

// A list of messages alone. where: what stands before "[0]" in messages of errors.
Result<Conversation> ReadMessages(const nlohmann::ordered_json& list, const std::string& where,
                                  const ConversationOptions& options);

}  // namespace gatehouse

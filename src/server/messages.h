// Conversations as chat clients send them: system messages become user text, calls and their results are
// judged, neighbours of one role are one turn, and an assistant's turn at the beginning follows an empty one.
#pragma once

#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation.h"
#include "gatehouse/result.h"

namespace gatehouse::server {

// left_out: ConversationOptions. Errors: kBadInput, naming the member below where.
Result<Conversation> ReadChat(const Json& messages, const std::string& where, size_t max_image_bytes,
                              std::vector<std::string>* left_out = nullptr);

// One message alone, as the user's, or as the assistant's behind an empty one of the user.
Conversation ConversationOf(Message message, Role role);

}  // namespace gatehouse::server

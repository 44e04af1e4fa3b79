// An upstream's whole answer, as the filter sees it: each choice is an assistant's message of its own.
#pragma once

#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "server/decision.h"

namespace gatehouse::server {

struct ProxyAnswer {
  Json root;
  std::vector<Conversation> choices;  // each behind the request's conversation
  std::vector<std::string> left_out;  // places of what cannot be judged
};

// before: the request's conversation; where it ends with an answer's beginning, the answer goes on with it.
// leave_out: what cannot be judged goes on. Errors: kBadInput: what cannot be read, or (unless it is left
// out) judged.
Result<ProxyAnswer> ReadProxyAnswer(const std::string& body, const Conversation& before, bool leave_out);

// An assistant's message behind the conversation. message: its members as they are judged (docs/verdict.md).
// left_out: ConversationOptions.
Result<Conversation> WithAnswer(const Conversation& before, Json message, const std::string& where,
                                std::vector<std::string>* left_out);

// Members of an answer or an event beside its choices. Errors: kBadInput: one that is not known and holds
// more than a number or a word, unless left_out takes its place.
Result<void> CheckAnswer(const Json& root, std::vector<std::string>* left_out);

// An upstream's error behind the conversation, as if the assistant had said its texts.
Result<Conversation> WithFailure(const Conversation& before, const std::string& body);

// Members of a choice that hold nothing that is said, beside `message` or `delta`. Errors: kBadInput: another
// that holds something.
Result<void> CheckChoice(const Json& choice, const char* message, const std::string& where,
                         std::vector<std::string>* left_out);

// The answer with the choices of which `blocked` says so emptied.
std::string WithBlocked(Json root, const std::vector<bool>& blocked, const ProxySettings& settings,
                        const Json& moderation);

}  // namespace gatehouse::server

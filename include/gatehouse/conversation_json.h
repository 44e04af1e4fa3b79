// Conversations in JSON, as clients write them: a list of messages, or an object with the list and the
// categories to judge by. docs/verdict.md says which members of a message are judged.
//
//   auto read = gatehouse::ReadConversationJson(text, {.merge = true});
//   if (!read.ok()) { ... read.error().Message() names the member ... }
//   gatehouse::ClassifyOptions options;
//   options.categories = read->categories;
//   options.exclude = read->exclude;
//   auto verdict = guard->Classify(read->conversation, options);
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"

namespace gatehouse {

enum class SystemMessages {  // of the roles system and developer
  kRefuse,                   // an error
  kDrop,
  kAsUser,  // their text becomes the first text parts of the next user message
};

enum class ToolMessages {
  kJudge,   // calls as the assistant's text, results as the user's
  kRefuse,  // an error
};

struct ConversationOptions {
  SystemMessages system = SystemMessages::kRefuse;
  ToolMessages tools = ToolMessages::kJudge;
  bool merge = false;  // neighbours of one role become one message with the parts of both; else an error
  size_t max_image_bytes = size_t{20} << 20;  // of one image, encoded
  // Encoded bytes of an image. Null: images of that kind are refused. Data URLs and base64 need neither.
  std::function<Result<std::string>(const std::string& url)> load_url;
  std::function<Result<std::string>(const std::string& path)> load_path;
  // Not null: what cannot be judged (a kind of part, a member, an image by an address or path that is not
  // loaded) is left out, and its place noted here, instead of an error. The rest of the message is judged.
  std::vector<std::string>* left_out = nullptr;
};

struct JsonConversation {
  Conversation conversation;
  std::vector<std::pair<std::string, std::string>> categories;  // of the object, if it has any
  std::vector<std::string> exclude;
  std::string id;  // as JSON text; empty where there is none
};

// Errors: kBadInput, naming the member.
Result<JsonConversation> ReadConversationJson(std::string_view json, const ConversationOptions& options = {});

}  // namespace gatehouse

// One entry of a list of messages: a message, or an item that stands between messages in OpenAI's Responses.
//
//   EntryReader reader(options);
//   GATEHOUSE_ASSIGN(MessageEntry entry, reader.Read(list[i], where));
#pragma once

#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation_json.h"
#include "policy/message_parts.h"

namespace gatehouse {

struct MessageEntry {
  enum class Kind {
    kMessage,
    kSystem,      // of the roles system and developer
    kToolResult,  // a user's
    kPiece,       // a call or thoughts apart from their message: an assistant's
  };
  Kind kind = Kind::kMessage;
  std::string role;  // as written, for messages of errors
  Message message;
};

class EntryReader {
 public:
  explicit EntryReader(const ConversationOptions& options) : options_(options), parts_(options) {}

  Result<MessageEntry> Read(const Json& json, const std::string& where);

 private:
  Result<MessageEntry> ReadItem(const Json& item, const std::string& where);
  Result<void> ReadMembers(const Json& json, const std::string& where, std::vector<Part>* out);
  Result<void> ReadReasoning(const Json& json, const std::string& where, std::vector<Part>* out);

  const ConversationOptions& options_;
  MessageParts parts_;
};

}  // namespace gatehouse

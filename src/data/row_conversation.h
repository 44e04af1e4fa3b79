// RowConversation: messages of a row, read as `gatehouse classify` reads them, with the same switches.
#pragma once

#include <string>

#include "data/dataset.h"
#include "formats/json.h"
#include "gatehouse/conversation.h"
#include "gatehouse/result.h"

namespace gatehouse {

class RowConversation {
 public:
  // folder: of the data file, where image paths begin unless the format says another root.
  RowConversation(const DatasetFormat& format, const std::string& folder);

  // messages: a list, or a text that holds one. where: its field. Errors: kBadInput, naming the message's
  // member.
  Result<Conversation> Read(const Json& messages, const std::string& where) const;

 private:
  ConversationOptions options_;
};

}  // namespace gatehouse

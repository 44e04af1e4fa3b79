// Options of `gatehouse classify`.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/conversation_input.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct ClassifyFlags {
  ModelFlags model;
  RequestFlags request;
  std::vector<std::string> user, assistant, images;
  std::string conversation, jsonl;
  bool json = false;
  bool exit_verdict = false;

  void AddTo(Command& command);
  // The one conversation that is asked for; nothing of it with --jsonl. Errors: kUsage: several inputs, turns
  // that do not alternate; kBadInput.
  Result<ConversationInput> Conversation() const;
};

}  // namespace gatehouse::cli

// Entries become turns: roles alternate, neighbours are joined where they may be.
#include <utility>

#include "base/error.h"
#include "policy/conversation_json.h"
#include "policy/message_entry.h"

namespace gatehouse {
namespace {

using Kind = MessageEntry::Kind;

// Above what any prompt can hold: a turn costs several tokens.
constexpr size_t kMaxMessages = 65536;

class Turns {
 public:
  explicit Turns(const ConversationOptions& options) : options_(options) {}

  Result<void> Add(MessageEntry entry, const std::string& where) {
    if (entry.kind == Kind::kSystem) {
      if (options_.system == SystemMessages::kAsUser) Append(std::move(entry.message.parts), &pending_);
      return {};
    }
    if (entry.message.parts.empty()) return {};  // thoughts that are not shown
    std::vector<Message>& turns = conversation_.messages;
    const Role role = entry.message.role;
    const bool joins = !turns.empty() && turns.back().role == role && Joins(entry.kind);
    const Role expected = turns.size() % 2 == 0 ? Role::kUser : Role::kAssistant;
    if (!joins && role != expected) {
      return BadInput("roles must alternate user, assistant, beginning with user", where + ".role",
                      std::string(RoleName(expected)) + (turns.empty() ? "" : " (or --merge=on)"),
                      entry.role);
    }
    if (!joins) turns.push_back({role, {}});
    if (role == Role::kUser) {
      Append(std::move(pending_), &turns.back().parts);
      pending_.clear();
    }
    Append(std::move(entry.message.parts), &turns.back().parts);
    last_ = entry.kind;
    return {};
  }

  Result<Conversation> Finish(const std::string& where) {
    if (!pending_.empty())
      return BadInput("system message without a user message behind it", where, "a user message", "the end");
    if (conversation_.messages.empty())
      return BadInput("no messages", where, "at least one user message", "none");
    return std::move(conversation_);
  }

 private:
  // Whether what comes behind an entry of the same role belongs to it. The results of several calls answer
  // one turn, and the pieces of an answer are one.
  bool Joins(Kind kind) const {
    if (options_.merge || kind == Kind::kPiece || last_ == Kind::kPiece) return true;
    return kind == Kind::kToolResult && last_ == Kind::kToolResult;
  }

  static void Append(std::vector<Part> parts, std::vector<Part>* out) {
    for (Part& part : parts) out->push_back(std::move(part));
  }

  const ConversationOptions& options_;
  Conversation conversation_;
  std::vector<Part> pending_;  // of system messages, for the next user message
  Kind last_ = Kind::kMessage;
};

}  // namespace

Result<Conversation> ReadMessages(const Json& list, const std::string& where,
                                  const ConversationOptions& options) {
  if (!list.is_array() || list.empty())
    return BadInput("malformed conversation", where, "a list with at least one message", ShortJson(list));
  if (list.size() > kMaxMessages)
    return BadInput("too many messages", where, "at most " + std::to_string(kMaxMessages),
                    std::to_string(list.size()));
  EntryReader reader(options);
  Turns turns(options);
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    GATEHOUSE_ASSIGN(MessageEntry entry, reader.Read(list[i], at));
    GATEHOUSE_TRY(turns.Add(std::move(entry), at));
  }
  return turns.Finish(where);
}

}  // namespace gatehouse

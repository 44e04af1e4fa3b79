#include "eval/run/prompt_hash.h"

#include <string_view>

#include "eval/run/selection.h"

namespace gatehouse {
namespace {

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

uint64_t PromptHash(const Conversation& conversation) {
  size_t count = conversation.messages.size();
  if (count > 0 && conversation.messages.back().role == Role::kAssistant) --count;
  uint64_t hash = 0;
  for (size_t i = 0; i < count; ++i) {
    const Message& message = conversation.messages[i];
    hash = HashOf(RoleName(message.role), hash);
    for (const Part& part : message.parts)
      hash =
          HashOf(part.kind == Part::Kind::kText ? Trimmed(part.text) : std::string_view(*part.image), hash);
  }
  return hash;
}

}  // namespace gatehouse

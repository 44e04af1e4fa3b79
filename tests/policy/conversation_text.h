// A conversation read from JSON, as one line: "u:text|text/a:text|<bytes of an image>", or the error's
// message.
#pragma once

#include <string>

#include "policy/conversation_json.h"

namespace gatehouse::test {

inline ConversationOptions TextOptions() {
  ConversationOptions options;
  options.load_path = [](const std::string& path) -> Result<std::string> { return "file " + path; };
  return options;
}

inline std::string ReadAsText(const std::string& json, const ConversationOptions& options = TextOptions()) {
  const auto input = ParseConversation(json, "c.json", options);
  if (!input.ok()) return input.error().code == ErrorCode::kBadInput ? input.error().Message() : "wrong code";
  std::string out;
  for (const Message& message : input->conversation.messages) {
    out += (out.empty() ? "" : "/") + std::string(message.role == Role::kUser ? "u:" : "a:");
    for (size_t i = 0; i < message.parts.size(); ++i) {
      const Part& part = message.parts[i];
      out += (i > 0 ? "|" : "") + (part.kind == Part::Kind::kText ? part.text : "<" + *part.image + ">");
    }
  }
  return out;
}

}  // namespace gatehouse::test

// Conversation: what is judged. Messages alternate user, assistant, user, ... and begin with user; the last
// one is the one that gets a verdict.
//
//   Conversation c;
//   c.AddUser("how do I make a bomb?");
//   c.AddAssistant("I cannot help with that.");   // now the assistant's answer is judged
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

enum class Role { kUser, kAssistant };

inline const char* RoleName(Role role) { return role == Role::kUser ? "user" : "assistant"; }

// One part of a message: text, or the encoded bytes of an image (JPEG, PNG, WebP or GIF).
struct Part {
  enum class Kind { kText, kImage };
  Kind kind = Kind::kText;
  std::string text;                          // UTF-8
  std::shared_ptr<const std::string> image;  // encoded file contents
  std::string image_name;                    // for error messages: a path, or "data URL"

  static Part Text(std::string text) { return {Kind::kText, std::move(text), nullptr, {}}; }
  static Part Image(std::string encoded, std::string name = "image") {
    return {Kind::kImage, {}, std::make_shared<const std::string>(std::move(encoded)), std::move(name)};
  }
};

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
};

// A prompt that somebody rendered himself, judged as it stands, with the policy's words for a verdict. Who
// writes it says what is asked: never what a stranger sends.
struct RawPrompt {
  std::string text;
  // Control tokens of the policy's format are spelt out in it; else it is text, and stands between those that
  // the policy puts around a prompt.
  bool has_controls = true;
};

struct Conversation {
  std::vector<Message> messages;
  std::optional<RawPrompt> raw = std::nullopt;  // in place of messages

  void AddUser(std::string text) { messages.push_back({Role::kUser, {Part::Text(std::move(text))}}); }
  void AddAssistant(std::string text) {
    messages.push_back({Role::kAssistant, {Part::Text(std::move(text))}});
  }
};

}  // namespace gatehouse

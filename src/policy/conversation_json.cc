#include "policy/conversation_json.h"

#include <utility>

#include "base/error.h"
#include "policy/strict_json.h"

namespace gatehouse {
namespace {

class Reader {
 public:
  Reader(const std::string& name, const ConversationOptions& options, ConversationInput* out)
      : name_(name), options_(options), out_(*out) {}

  Result<void> ReadMessages(const OrderedJson& list, const std::string& where) {
    if (!list.is_array() || list.empty())
      return BadInput("malformed conversation", where, "a list with at least one message", Describe(list));
    for (size_t i = 0; i < list.size(); ++i)
      GATEHOUSE_TRY(ReadMessage(list[i], where + "[" + std::to_string(i) + "]"));
    if (!pending_.empty())
      return BadInput("system message without a user message behind it", where, "a user message", "the end");
    if (out_.conversation.messages.empty())
      return BadInput("no messages", where, "at least one user message", "none");
    return {};
  }

  Result<void> ReadObject(const OrderedJson& object) {
    for (const auto& [key, value] : object.items()) {
      const std::string where = name_ + ": " + key;
      if (key == "messages") continue;
      if (key == "id") {
        out_.id = value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
      } else if (key == "categories") {
        if (!value.is_object() || value.empty())
          return BadInput("malformed categories", where, "an object from key to text, not empty",
                          Describe(value));
        for (const auto& [category, text] : value.items()) {
          if (!text.is_string())
            return BadInput("malformed categories", where + ": " + category, "a string", Describe(text));
          out_.choice.custom.emplace_back(category, text.get<std::string>());
        }
      } else if (key == "exclude") {
        if (!value.is_array()) return BadInput("malformed exclude", where, "a list of keys", Describe(value));
        for (const OrderedJson& category : value) {
          if (!category.is_string())
            return BadInput("malformed exclude", where, "a list of keys", Describe(value));
          out_.choice.exclude.push_back(category.get<std::string>());
        }
      } else {
        return BadInput("unknown field", where, "id, messages, categories or exclude", "\"" + key + "\"");
      }
    }
    if (!object.contains("messages"))
      return BadInput("missing field", name_ + ": messages", "a list of messages", "nothing");
    return ReadMessages(object["messages"], name_ + ": messages");
  }

 private:
  Result<void> ReadMessage(const OrderedJson& json, const std::string& where) {
    if (!json.is_object() || !json.contains("role") || !json["role"].is_string()) {
      return BadInput("malformed message", where, "an object with role and content", Describe(json));
    }
    const std::string role = json["role"].get<std::string>();
    Message message;
    if (!json.contains("content"))
      return BadInput("message without content", where + ".content", "a string or a list of parts",
                      "nothing");
    GATEHOUSE_TRY(ReadContent(json["content"], where + ".content", &message));
    if (role == "system") return TakeSystem(std::move(message), where);
    if (role != "user" && role != "assistant")
      return BadInput("unknown role", where + ".role", "user or assistant", "\"" + role + "\"");
    message.role = role == "user" ? Role::kUser : Role::kAssistant;
    const bool user_turn = out_.conversation.messages.size() % 2 == 0;
    if (user_turn != (message.role == Role::kUser)) {
      return BadInput("roles must alternate user, assistant, beginning with user", where + ".role",
                      user_turn ? "user" : "assistant", role);
    }
    if (user_turn && !pending_.empty()) {
      message.parts.insert(message.parts.begin(), pending_.begin(), pending_.end());
      pending_.clear();
    }
    out_.conversation.messages.push_back(std::move(message));
    return {};
  }

  Result<void> TakeSystem(Message message, const std::string& where) {
    if (options_.system == SystemMessages::kRefuse) {
      return BadInput("system messages are not judged", where + ".role",
                      "user or assistant (or --system=drop, --system=as-user)", "system");
    }
    if (options_.system == SystemMessages::kAsUser) {
      for (Part& part : message.parts) pending_.push_back(std::move(part));
    }
    return {};
  }

  Result<void> ReadContent(const OrderedJson& content, const std::string& where, Message* message) {
    if (content.is_string()) {
      message->parts.push_back(Part::Text(content.get<std::string>()));
      return {};
    }
    if (!content.is_array() || content.empty())
      return BadInput("malformed content", where, "a string or a list of parts, not empty",
                      Describe(content));
    for (size_t i = 0; i < content.size(); ++i) {
      GATEHOUSE_TRY(ReadPart(content[i], where + "[" + std::to_string(i) + "]", message));
    }
    return {};
  }

  Result<void> ReadPart(const OrderedJson& part, const std::string& where, Message* message) {
    if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) {
      return BadInput("malformed part", where, "an object with a type", Describe(part));
    }
    const std::string type = part["type"].get<std::string>();
    if (type == "text") {
      if (!part.contains("text") || !part["text"].is_string())
        return BadInput("malformed part", where + ".text", "a string", Describe(part));
      message->parts.push_back(Part::Text(part["text"].get<std::string>()));
      return {};
    }
    if (type == "image_url") {
      // OpenAI's shape is an object with the url; some clients send the url itself.
      const OrderedJson* url = part.contains("image_url") ? &part["image_url"] : nullptr;
      if (url != nullptr && url->is_object() && url->contains("url")) url = &(*url)["url"];
      if (url == nullptr || !url->is_string())
        return BadInput("malformed part", where + ".image_url.url", "a string", Describe(part));
      return Load(options_.load_url, url->get<std::string>(), where + ".image_url", "data URL", message);
    }
    if (type == "image") {
      if (!part.contains("path") || !part["path"].is_string())
        return BadInput("malformed part", where + ".path", "a string", Describe(part));
      const std::string path = part["path"].get<std::string>();
      return Load(options_.load_path, path, where + ".path", path, message);
    }
    return BadInput("unknown part", where + ".type", "text, image_url or image", "\"" + type + "\"");
  }

  static Result<void> Load(const std::function<Result<std::string>(const std::string&)>& load,
                           const std::string& place, const std::string& where, const std::string& image_name,
                           Message* message) {
    if (!load)
      return BadInput("images of this kind are not allowed here", where, "another kind", place.substr(0, 60));
    auto bytes = load(place);
    if (!bytes.ok()) {
      Error error = bytes.error();
      error.where = error.where.empty() ? where : where + " (" + error.where + ")";
      return error;
    }
    message->parts.push_back(Part::Image(std::move(bytes).value(), image_name));
    return {};
  }

  const std::string& name_;
  const ConversationOptions& options_;
  ConversationInput& out_;
  std::vector<Part> pending_;  // of system messages, for the next user message
};

}  // namespace

Result<ConversationInput> ParseConversation(std::string_view json, const std::string& name,
                                            const ConversationOptions& options) {
  GATEHOUSE_ASSIGN(const OrderedJson root, ParseStrictJson(json, name, ErrorCode::kBadInput));
  ConversationInput out;
  Reader reader(name, options, &out);
  if (root.is_array()) {
    GATEHOUSE_TRY(reader.ReadMessages(root, name));
  } else if (root.is_object()) {
    GATEHOUSE_TRY(reader.ReadObject(root));
  } else {
    return BadInput("malformed conversation", name, "a list of messages, or an object with messages",
                    Describe(root));
  }
  return out;
}

}  // namespace gatehouse

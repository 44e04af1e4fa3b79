#include "policy/message_parts.h"

#include "base/error.h"
#include "policy/message_calls.h"
#include "policy/message_members.h"

namespace gatehouse {
namespace {

// Parts that are text, and the member that it stands in.
struct TextKind {
  std::string_view type;
  const char* member;
};
constexpr TextKind kTextKinds[] = {
    {"text", "text"},           {"input_text", "text"},     {"output_text", "text"},
    {"refusal", "refusal"},     {"thinking", "thinking"},   {"summary_text", "text"},
    {"reasoning_text", "text"}, {"reasoning.text", "text"}, {"reasoning.summary", "summary"},
};

// Where an image may stand in a part of type "image", and what a string there may be.
struct ImageKind {
  const char* member;
  MessageImages::Kind kind;
};
constexpr ImageKind kImageKinds[] = {{"path", MessageImages::kPath},
                                     {"image", MessageImages::kAny},
                                     {"url", MessageImages::kUrl},
                                     {"base64", MessageImages::kBase64},
                                     {"data", MessageImages::kBase64}};

}  // namespace

Result<void> CheckTools(const ConversationOptions& options, const std::string& where,
                        const std::string& found) {
  if (options.tools == ToolMessages::kJudge) return {};
  return BadInput("tools are not judged here", where, "no calls and no results of tools (or --tools=judge)",
                  found);
}

Result<void> MessageParts::ReadContent(const Json& content, const std::string& where,
                                       std::vector<Part>* out) {
  if (content.is_string()) {
    out->push_back(Part::Text(content.get<std::string>()));
    return {};
  }
  if (content.is_object()) return ReadPart(content, where, out);
  if (!content.is_array() || content.empty())
    return BadInput("malformed content", where, "a string or a list of parts, not empty", ShortJson(content));
  for (size_t i = 0; i < content.size(); ++i) {
    GATEHOUSE_TRY(ReadPart(content[i], where + "[" + std::to_string(i) + "]", out));
  }
  return {};
}

Result<void> MessageParts::ReadImages(const Json& list, const std::string& where, std::vector<Part>* out) {
  if (!list.is_array())
    return BadInput("malformed images", where, "a list of images in base64", ShortJson(list));
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (list[i].is_object()) {
      GATEHOUSE_TRY(ReadPart(list[i], at, out));
    } else {
      GATEHOUSE_TRY(images_.Add(list[i], MessageImages::kBase64, at, out));
    }
  }
  return {};
}

Result<void> MessageParts::ReadPart(const Json& part, const std::string& where, std::vector<Part>* out) {
  if (!part.is_object() || !part.contains("type") || !part["type"].is_string())
    return BadInput("malformed part", where, "an object with a type", ShortJson(part));
  const std::string& type = part["type"].get_ref<const std::string&>();
  for (const TextKind& kind : kTextKinds) {
    if (type != kind.type) continue;
    GATEHOUSE_TRY(CheckMembers(part, kTextPartMembers, options_, where, kind.member));
    const auto text = part.find(kind.member);
    // Mistral's thoughts are parts again.
    if (type == "thinking" && text != part.end() && text->is_array())
      return ReadContent(*text, where + ".thinking", out);
    if (text == part.end() || !text->is_string())
      return BadInput("malformed part", where + "." + kind.member, "a string", ShortJson(part));
    out->push_back(Part::Text(text->get<std::string>()));
    return {};
  }
  if (type == "image_url" || type == "input_image") return ReadImageUrl(part, where, out);
  if (type == "image") return ReadImage(part, where, out);
  if (type == "tool_result") return ReadToolResult(part, where, out);
  if (type == "tool_use") {
    GATEHOUSE_TRY(CheckTools(options_, where + ".type", type));
    GATEHOUSE_TRY(CheckMembers(part, kToolUseMembers, options_, where));
    return ReadCall(part, "input", where, out);
  }
  return LeaveOut(options_.left_out,
                  BadInput("part that cannot be judged", where + ".type",
                           "text, image_url, image, or another kind that docs/verdict.md lists",
                           "\"" + type.substr(0, 60) + "\""));
}

Result<void> MessageParts::ReadImageUrl(const Json& part, const std::string& where, std::vector<Part>* out) {
  GATEHOUSE_TRY(CheckMembers(part, kImageUrlPartMembers, options_, where));
  // OpenAI's chat has an object with the url; its Responses, and some clients, have the url itself.
  const Json* url = Present(part, "image_url");
  if (url != nullptr && url->is_object()) {
    GATEHOUSE_TRY(CheckMembers(*url, kImageUrlMembers, options_, where + ".image_url"));
    url = Present(*url, "url");
  }
  if (url == nullptr || !url->is_string())
    return BadInput("malformed part", where + ".image_url.url", "a string", ShortJson(part));
  return images_.Add(*url, MessageImages::kUrl, where + ".image_url", out);
}

Result<void> MessageParts::ReadImage(const Json& part, const std::string& where, std::vector<Part>* out) {
  GATEHOUSE_TRY(CheckMembers(part, kImagePartMembers, options_, where));
  const Json* source = Present(part, "source");
  const ImageKind* found = nullptr;
  int places = source != nullptr;
  for (const ImageKind& kind : kImageKinds) {
    if (Present(part, kind.member) == nullptr) continue;
    found = &kind;
    ++places;
  }
  if (places != 1) {
    return BadInput("malformed part", where, "one of path, image, url, base64, data and source",
                    places == 0 ? "none" : ShortJson(part));
  }
  if (source == nullptr) {
    return images_.Add(*Present(part, found->member), found->kind, where + "." + found->member, out);
  }
  // Anthropic's.
  const std::string at = where + ".source";
  if (!source->is_object())
    return BadInput("malformed part", at, "an object with a type", ShortJson(*source));
  GATEHOUSE_ASSIGN(const std::string type, RequiredText(*source, "type", at));
  GATEHOUSE_TRY(CheckMembers(*source, kImageSourceMembers, options_, at));
  const Json *data = Present(*source, "data"), *url = Present(*source, "url");
  if (type == "base64" && data != nullptr && url == nullptr)
    return images_.Add(*data, MessageImages::kBase64, at + ".data", out);
  if (type == "url" && url != nullptr && data == nullptr)
    return images_.Add(*url, MessageImages::kUrl, at + ".url", out);
  return BadInput("malformed part", at, "type base64 with data, or url with url", ShortJson(*source));
}

// Its content may be absent: a tool that has nothing to say.
Result<void> MessageParts::ReadToolResult(const Json& part, const std::string& where,
                                          std::vector<Part>* out) {
  GATEHOUSE_TRY(CheckTools(options_, where + ".type", "tool_result"));
  GATEHOUSE_TRY(CheckMembers(part, kToolResultMembers, options_, where));
  if (const Json* content = Present(part, "content")) return ReadContent(*content, where + ".content", out);
  out->push_back(Part::Text({}));
  return {};
}

}  // namespace gatehouse

#include "policy/prompt.h"

#include <utility>

#include "base/error.h"
#include "policy/raw_prompt.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

bool IsStripped(uint32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

using Values = std::vector<std::pair<std::string_view, std::string_view>>;

// Replaces {names} by their values in one pass: what a value contains is never looked at.
std::string Substitute(std::string_view text, const Values& values) {
  std::string out;
  while (!text.empty()) {
    bool replaced = false;
    if (text.front() == '{') {
      for (const auto& [name, value] : values) {
        if (text.substr(0, name.size()) != name) continue;
        out += value;
        text.remove_prefix(name.size());
        replaced = true;
        break;
      }
    }
    if (!replaced) {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

class Writer {
 public:
  Writer(const Policy& policy, Prompt* prompt) : policy_(policy), prompt_(*prompt) {}

  void Add(PromptItem::Kind kind, std::string value) {
    if (kind == PromptItem::Kind::kText) {
      if (value.empty()) return;
      if (!prompt_.items.empty() && prompt_.items.back().kind == kind) {
        // A text that grows by a message is no longer fixed; its beginning is.
        if (!fixed_ && prompt_.items.back().fixed) {
          prompt_.items.back().fixed = false;
          prompt_.fixed_text_bytes = prompt_.items.back().value.size();
        }
        prompt_.items.back().value += value;
        return;
      }
    }
    prompt_.items.push_back({kind, std::move(value), fixed_});
  }
  void EndOfFixed() { fixed_ = false; }

  void AddMessage(const Message& message, const std::string& judged) {
    std::vector<std::string> texts;
    int images = 0;
    for (const Part& part : message.parts) {
      if (part.kind == Part::Kind::kImage) {
        ++images;
      } else {
        texts.emplace_back(part.text);
      }
    }
    // Images alone still make a block, with nothing written in it.
    if (texts.empty()) texts.emplace_back();
    if (policy_.join_text_parts) {
      std::string joined = texts.front();
      for (size_t i = 1; i < texts.size(); ++i) joined += *policy_.join_text_parts + texts[i];
      texts = {std::move(joined)};
    }
    const bool user = message.role == Role::kUser;
    for (size_t block = 0; block < texts.size(); ++block) {
      const std::string_view content =
          policy_.strip ? StripPython(texts[block]) : std::string_view(texts[block]);
      const Values values = {{"{ROLE}", judged},
                             {"{role}", user ? "user" : "assistant"},
                             {"{Role}", user ? policy_.role_user : policy_.role_assistant},
                             {"{content}", content}};
      for (const FormatItem& item : policy_.message) {
        switch (item.kind) {
          case FormatItem::Kind::kControl:
            Add(PromptItem::Kind::kControl, item.value);
            break;
          case FormatItem::Kind::kText:
            Add(PromptItem::Kind::kText, Substitute(item.value, values));
            break;
          case FormatItem::Kind::kImages:
            for (int i = 0; block == 0 && i < images; ++i) Add(PromptItem::Kind::kImage, {});
            break;
          case FormatItem::Kind::kMessages:
            break;
        }
      }
    }
  }

 private:
  const Policy& policy_;
  Prompt& prompt_;
  bool fixed_ = true;
};

Result<void> CheckConversation(const Policy& policy, const Conversation& conversation, int* images) {
  *images = 0;
  if (conversation.messages.empty())
    return BadInput("no messages", "conversation", "at least one message", "none");
  for (size_t i = 0; i < conversation.messages.size(); ++i) {
    const Message& message = conversation.messages[i];
    const std::string where = "messages[" + std::to_string(i) + "]";
    if (message.role != (i % 2 == 0 ? Role::kUser : Role::kAssistant)) {
      return BadInput("roles must alternate user, assistant, beginning with user", where + ".role",
                      i % 2 == 0 ? "user" : "assistant", RoleName(message.role));
    }
    if (message.parts.empty())
      return BadInput("message without content", where + ".content", "text or an image", "nothing");
    for (const Part& part : message.parts) *images += part.kind == Part::Kind::kImage;
  }
  if (*images > 0 && !policy.images) {
    return BadInput(
        "this model cannot see images", "conversation",
        "text only, or a model with a vision encoder such as Llama Guard 4",
        std::to_string(*images) + (*images == 1 ? " image" : " images") + " for policy " + policy.name);
  }
  return {};
}

}  // namespace

std::string_view StripPython(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = ReadCodePoint(text.data());
    if (first.length > text.size() || !IsStripped(first.value)) break;
    text.remove_prefix(first.length);
  }
  while (!text.empty()) {
    size_t start = text.size() - 1;
    // Back to the first byte of the last code point: those behind it begin with the bits 10.
    while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80)
      --start;
    if (!IsStripped(ReadCodePoint(text.data() + start).value)) break;
    text.remove_suffix(text.size() - start);
  }
  return text;
}

Result<Prompt> RenderPrompt(const Policy& policy, const Conversation& conversation_in,
                            const CategoryChoice& choice) {
  if (conversation_in.raw) {
    if (!conversation_in.messages.empty())
      return BadInput("several inputs", "conversation", "either messages or a raw prompt", "both");
    return RenderRawPrompt(policy, *conversation_in.raw, choice);
  }
  // Text that is not UTF-8 is repaired first, so that all that follows may rely on it.
  Conversation conversation = conversation_in;
  for (Message& message : conversation.messages) {
    for (Part& part : message.parts) {
      std::string repaired;
      if (RepairUtf8(part.text, &repaired).data() != part.text.data()) part.text = std::move(repaired);
    }
  }
  Prompt prompt;
  GATEHOUSE_TRY(CheckConversation(policy, conversation, &prompt.images));
  GATEHOUSE_ASSIGN(prompt.categories,
                   ChooseCategories(policy, choice, choice.any_image.value_or(prompt.images > 0)));
  prompt.judged = conversation.messages.back().role;
  const std::string judged = prompt.judged == Role::kUser ? policy.role_user : policy.role_assistant;
  std::string categories;
  for (const Category& category : prompt.categories) {
    // A request's own categories are text from outside too.
    std::string key_storage, text_storage;
    const std::string_view key = RepairUtf8(category.key, &key_storage),
                           text = RepairUtf8(category.text, &text_storage);
    categories += Substitute(policy.category_line, {{"{key}", key},
                                                    {"{text}", text},
                                                    {"{name}", category.name},
                                                    {"{description}", category.description}});
  }
  Writer writer(policy, &prompt);
  for (const FormatItem& item : policy.prompt) {
    switch (item.kind) {
      case FormatItem::Kind::kControl:
        writer.Add(PromptItem::Kind::kControl, item.value);
        break;
      case FormatItem::Kind::kText:
        writer.Add(PromptItem::Kind::kText,
                   Substitute(item.value, {{"{ROLE}", judged}, {"{CATEGORIES}", categories}}));
        break;
      case FormatItem::Kind::kMessages:
        // From here on requests differ: what stands before is computed once for a policy.
        writer.EndOfFixed();
        for (const Message& message : conversation.messages) writer.AddMessage(message, judged);
        break;
      case FormatItem::Kind::kImages:
        break;
    }
  }
  return prompt;
}

std::string PromptText(const Prompt& prompt) {
  std::string out;
  for (const PromptItem& item : prompt.items)
    out += item.kind == PromptItem::Kind::kImage ? "<|image|>" : item.value;
  return out;
}

}  // namespace gatehouse

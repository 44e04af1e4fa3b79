// Any bytes: an error, or a conversation that renders or is refused. Seeds: conversations/.
#include <cstdint>
#include <string_view>

#include "policy/conversation_json.h"
#include "policy/prompt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  gatehouse::ConversationOptions options;
  options.system = static_cast<gatehouse::SystemMessages>(size % 3);
  options.tools = static_cast<gatehouse::ToolMessages>(size % 5 == 0);
  options.merge = size % 2 == 0;
  options.load_url = [](const std::string& url) -> gatehouse::Result<std::string> { return url; };
  const auto input = gatehouse::ParseConversation(bytes, "fuzz", options);
  if (!input.ok()) return 0;
  gatehouse::Policy policy;
  policy.categories.push_back(
      {.key = "S1", .name = {}, .text = "a", .description = {}, .text_only = false, .threshold = {}});
  policy.category_line = "{key}: {text}\n";
  policy.prompt = {{gatehouse::FormatItem::Kind::kText, "{CATEGORIES}"},
                   {gatehouse::FormatItem::Kind::kMessages, {}}};
  policy.message = {{gatehouse::FormatItem::Kind::kImages, {}},
                    {gatehouse::FormatItem::Kind::kText, "{Role}: {content}"}};
  policy.strip = policy.images = true;
  const auto prompt = gatehouse::RenderPrompt(policy, input->conversation, input->choice);
  if (prompt.ok()) (void)gatehouse::PromptText(*prompt);
  return 0;
}

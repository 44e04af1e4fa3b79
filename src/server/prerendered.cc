#include "server/prerendered.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "guard/loaded_policy.h"
#include "policy/raw_prompt.h"

namespace gatehouse::server {

Result<Conversation> ReadRawPrompt(RawPrompt raw, const std::string& where, const Surroundings& around,
                                   ClassifyOptions* options) {
  const ClassifyOptions& own = around.defaults;
  if (!options->categories.empty() || !options->keys.empty() || options->exclude != own.exclude)
    return BadInput("categories of a rendered prompt", where, "those that stand in it", "a choice besides");
  if (HasCategoryBlock(raw.text)) {
    GATEHOUSE_ASSIGN(options->categories, CategoriesOfBlock(raw.text, where));
    if (options->categories.size() > kMaxCategories)
      return BadInput("too many categories", where, "at most " + std::to_string(kMaxCategories),
                      std::to_string(options->categories.size()));
    std::erase_if(options->thresholds.categories, [&](const auto& threshold) {
      return std::none_of(options->categories.begin(), options->categories.end(),
                          [&](const auto& category) { return category.first == threshold.first; });
    });
  }
  options->exclude.clear();  // nothing can be taken out of it
  Conversation out;
  out.raw = std::move(raw);
  return out;
}

bool LooksPrerendered(const Conversation& conversation) {
  const std::vector<Part>& parts = conversation.messages.back().parts;
  return std::any_of(parts.begin(), parts.end(),
                     [](const Part& part) { return BeginsCategoryBlock(part.text); });
}

const std::string* PrerenderedText(const Conversation& conversation) {
  const std::vector<Part>& parts = conversation.messages.back().parts;
  const bool alone = conversation.messages.size() == 1 && parts.size() == 1;
  return alone && HasCategoryBlock(parts.front().text) ? &parts.front().text : nullptr;
}

Result<Conversation> ReadPrerendered(const std::string& text, const std::string& where,
                                     const Surroundings& around, ClassifyOptions* options) {
  const Policy& policy = around.policy->policy;
  if (!HasCategoryBlock(policy))
    return BadInput("a prompt of Llama Guard", where, "a conversation: the guard is another model",
                    "a rendered prompt");
  return ReadRawPrompt({text, BeginsWithControl(policy, text)}, where, around, options);
}

}  // namespace gatehouse::server

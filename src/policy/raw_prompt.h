// Prompts that their senders rendered themselves: as they stand, and what can be read off them.
//
//   if (HasCategoryBlock(text)) GATEHOUSE_ASSIGN(options.categories, CategoriesOfBlock(text, "prompt"));
//   GATEHOUSE_ASSIGN(Prompt prompt, RenderRawPrompt(policy, {text}, choice));
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "policy/policy.h"
#include "policy/prompt.h"

namespace gatehouse {

// Only the control tokens that the policy's format names are control tokens, whatever else the text spells.
// Whose message is judged is read off the words "last NAME message". Errors: kBadInput: what ChooseCategories
// says; a prompt without anything in it.
Result<Prompt> RenderRawPrompt(const Policy& policy, const RawPrompt& raw, const CategoryChoice& choice);

// Whether a text has the list of categories that prompts of Llama Guard have, between its two marks.
bool HasCategoryBlock(std::string_view text);
// Whether it has the first of them.
bool BeginsCategoryBlock(std::string_view text);
// What HasCategoryBlock says, of what a policy asks.
bool HasCategoryBlock(const Policy& policy);

// (key, text) in order. A key is letters and digits behind them at the beginning of a line, and a colon; what
// stands on other lines belongs to the category before. where: for errors. Errors: kBadInput: no block, or
// nothing in it.
Result<std::vector<std::pair<std::string, std::string>>> CategoriesOfBlock(std::string_view text,
                                                                           const std::string& where);

// Whether a text begins, behind white space, with the control token that the policy's prompts begin with.
bool BeginsWithControl(const Policy& policy, std::string_view text);

}  // namespace gatehouse

// Answers in words, read as the published pipelines read them.
#pragma once

#include <string>
#include <vector>

#include "gatehouse/verdict.h"
#include "policy/policy.h"

namespace gatehouse {

// `safe`, or `unsafe`, the separator and keys with the list's separator between them. Anything else, and any
// key that was not asked for, fails closed as `unknown`. Sets unsafe and categories.
void DecideByText(const std::string& answer, const VerdictWords& words,
                  const std::vector<Category>& categories, Verdict* verdict);

}  // namespace gatehouse

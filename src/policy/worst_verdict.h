// One verdict for several judgements of one conversation: with other frames of its animated images.
#pragma once

#include <vector>

#include "gatehouse/verdict.h"
#include "policy/policy.h"

namespace gatehouse {

// The worst counts, as docs/verdict.md says: unsafe if one is, the highest score of all and of each category,
// every key that one lists; tokens and times are sums. verdicts: not empty, all with the same categories.
Verdict WorstOf(const VerdictWords& words, std::vector<Verdict> verdicts);

}  // namespace gatehouse

// One verdict for several judgements of one conversation: with other frames of its animated images, or with
// other parts of a long message (windows.h).
#pragma once

#include <vector>

#include "gatehouse/verdict.h"
#include "policy/policy.h"

namespace gatehouse {

// The worst counts, as docs/verdict.md says: unsafe if one is, the highest score of all and of each category,
// every key that one lists; tokens and times are sums. verdicts: not empty, all with the same categories.
Verdict WorstOf(const VerdictWords& words, std::vector<Verdict> verdicts);
// The same, except that the list of keys is the worst window's alone, and times are the longest: windows run
// side by side.
Verdict WorstOfWindows(const VerdictWords& words, std::vector<Verdict> verdicts);

// Of judgements that are one request's; images and frames are counted by whoever knows the whole.
void AddTokens(const Usage& one, Usage* sum);

}  // namespace gatehouse

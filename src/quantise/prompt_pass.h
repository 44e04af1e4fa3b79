// PromptPass: runs many prompts through a decoder for the sake of what an Observer sees on the way. What
// prompts have in common at their beginning (the policy) is computed once, and counts as often as it occurs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "gatehouse/result.h"
#include "model/decoder.h"
#include "quantise/observer.h"

namespace gatehouse {

using TokenIds = std::vector<int32_t>;

// Rows that the pass computes: tokens less what is shared.
int64_t PassRows(const std::vector<TokenIds>& prompts);

// How much rows count: a row that many prompts share, shared_weight for each prompt that shares it; the last
// row of a prompt, from which the verdict is read, last_weight; any other 1.
struct PassWeights {
  float shared = 1.0f;
  float last = 1.0f;
};

// prompts: sorted (PassRows and RunPrompts find shared beginnings between neighbours), none empty.
// progress: called with rows done. Errors: kInternal: an id beyond the vocabulary, memory.
Result<void> RunPrompts(const std::vector<TokenIds>& prompts, const PassWeights& weights, Decoder& decoder,
                        Observer& observer, const std::function<void(int64_t)>& progress);

}  // namespace gatehouse

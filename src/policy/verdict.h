// What a verdict is made by: options, thresholds, words (docs/verdict.md). How: policy/judgement.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gatehouse/result.h"
#include "gatehouse/thresholds.h"
#include "gatehouse/verdict.h"
#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse {

struct JudgeOptions {
  Thresholds thresholds;  // in place of the policy's
  bool raw_output = false;
  bool greedy_decision = false;  // decide by the unconstrained answer, as the published pipelines do
  // Categories are asked for only where unsafe_score reaches the lowest threshold in force; below it no
  // category can violate, and category_scores stays empty.
  bool keys_only_where_they_matter = false;
};

// The thresholds in force; none: it does not judge.
std::optional<double> ThresholdOf(const Policy& policy, const JudgeOptions& options);
std::optional<double> ThresholdOf(const Category& category, const JudgeOptions& options);

// What is unsafe by `own` or by `asked`: of each threshold in force the lower one.
Thresholds Stricter(const Policy& policy, const Thresholds& own, const Thresholds& asked);

// sigmoid(scale * logit(score) + bias); scores of 0 and 1, and the identity, leave the score as it is.
double CalibratedScore(double scale, double bias, double score);

// Does every category with a threshold of its own exist, in the policy or among those asked for? Errors:
// kBadInput. A threshold for a key that is merely left out of this request is fine.
Result<void> CheckThresholdKeys(const Policy& policy, const std::vector<Category>& categories,
                                const JudgeOptions& options);

// "safe", or "unsafe" and the keys, as the model would write it.
std::string OutputOf(const VerdictWords& words, bool unsafe, const std::vector<std::string>& keys);

// Can this tokenizer say what the policy needs? Errors: kModel: a control token is missing, the words begin
// alike, the lead is not one token.
Result<void> CheckPolicy(const Policy& policy, const Tokenizer& tokenizer);

}  // namespace gatehouse

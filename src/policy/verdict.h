// The verdict: scores, thresholds and the category list from a model's next-token logits (docs/verdict.md).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/result.h"
#include "gatehouse/verdict.h"
#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse {

// What the engine answers.
class NextTokenScorer {
 public:
  virtual ~NextTokenScorer() = default;
  // For each path of tokens appended to the prompt, the logits [vocab] of what comes next; an empty path is
  // the prompt's end. One call is one pass, so a caller asks for all it can at once.
  virtual Result<std::vector<std::vector<float>>> Logits(std::span<const std::vector<int32_t>> paths) = 0;
};

struct JudgeOptions {
  bool replace_threshold = false;   // `threshold` in place of the policy's
  std::optional<double> threshold;  // none: only the categories' own thresholds judge
  std::vector<std::pair<std::string, double>> category_thresholds;
  bool raw_output = false;
  bool greedy_decision = false;  // decide by the unconstrained answer, as the published pipelines do
};

// sigmoid(scale * logit(score) + bias); scores of 0 and 1, and the identity, leave the score as it is.
double CalibratedScore(double scale, double bias, double score);

// Does every category with a threshold of its own exist, in the policy or among those asked for? Errors:
// kBadInput. A threshold for a key that is merely left out of this request is fine.
Result<void> CheckThresholdKeys(const Policy& policy, const std::vector<Category>& categories,
                                const JudgeOptions& options);

// Fills the verdict, scores and texts; role, model, usage and timings are the caller's.
Result<Verdict> Judge(const Policy& policy, const Tokenizer& tokenizer,
                      const std::vector<Category>& categories, NextTokenScorer& scorer,
                      const JudgeOptions& options);

// "safe", or "unsafe" and the keys, as the model would write it.
std::string OutputOf(const VerdictWords& words, bool unsafe, const std::vector<std::string>& keys);

// Can this tokenizer say what the policy needs? Errors: kModel: a control token is missing, the words begin
// alike, the lead is not one token.
Result<void> CheckPolicy(const Policy& policy, const Tokenizer& tokenizer);

}  // namespace gatehouse

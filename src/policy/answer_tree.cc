#include "policy/answer_tree.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace gatehouse {

Result<void> AnswerTree::Ask(std::span<const TokenPath> paths) {
  std::vector<TokenPath> missing;
  for (const TokenPath& path : paths) {
    if (known_.count(path) == 0 && std::find(missing.begin(), missing.end(), path) == missing.end())
      missing.push_back(path);
  }
  if (missing.empty()) return {};
  GATEHOUSE_ASSIGN(const std::vector<std::vector<float>> logits, scorer_.Logits(missing));
  if (logits.size() != missing.size())
    return InternalError("another number of answers than of questions", "scorer");
  for (size_t i = 0; i < missing.size(); ++i) {
    if (logits[i].size() < vocab_)
      return InternalError("fewer logits than the tokenizer has tokens", "scorer");
    double highest = -INFINITY;
    for (const float logit : logits[i]) {
      // Minus infinity is a token that cannot come; anything else that is no number spoils the answer.
      if (std::isnan(logit) || logit == INFINITY) all_finite_ = false;
      highest = std::max(highest, static_cast<double>(logit));
    }
    double total = 0.0;
    for (const float logit : logits[i]) total += std::exp(static_cast<double>(logit) - highest);
    const double log_total = highest + std::log(total);
    if (!std::isfinite(log_total)) all_finite_ = false;
    std::vector<double> log_probabilities;
    log_probabilities.reserve(logits[i].size());
    for (const float logit : logits[i]) log_probabilities.push_back(static_cast<double>(logit) - log_total);
    known_[missing[i]] = std::move(log_probabilities);
  }
  return {};
}

int32_t ArgMax(const std::vector<double>& values) {
  return static_cast<int32_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace gatehouse

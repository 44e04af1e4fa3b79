// AnswerTree: log-probabilities after any continuation of the prompt, each asked of the model once.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "policy/verdict.h"

namespace gatehouse {

using TokenPath = std::vector<int32_t>;

class AnswerTree {
 public:
  // vocab: of the tokenizer; a model may answer with more logits, never with fewer.
  AnswerTree(NextTokenScorer& scorer, size_t vocab) : scorer_(scorer), vocab_(vocab) {}

  // Makes the paths known, in one pass for all that are not yet.
  Result<void> Ask(std::span<const TokenPath> paths);
  // Log-probabilities [vocab] after a path that was asked for.
  const std::vector<double>& After(const TokenPath& path) const { return known_.at(path); }
  bool all_finite() const { return all_finite_; }

 private:
  NextTokenScorer& scorer_;
  size_t vocab_;
  std::map<TokenPath, std::vector<double>> known_;
  bool all_finite_ = true;
};

// Index of the largest value (the first of equal ones).
int32_t ArgMax(const std::vector<double>& values);

}  // namespace gatehouse

// AnswerTree: log-probabilities after any continuation of the prompt, each asked of the model once.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "policy/next_token.h"
#include "policy/verdict.h"

namespace gatehouse {

using TokenPath = std::vector<int32_t>;

class AnswerTree {
 public:
  // vocab: of the tokenizer; a model may answer with more logits, never with fewer.
  AnswerTree(NextTokenScorer& scorer, size_t vocab) : scorer_(scorer), vocab_(vocab) {}

  // Makes the paths known, in one pass for all that are not yet. `alongside` become known too where a pass
  // is needed anyway; whether their answers are numbers counts only once they are asked for.
  Result<void> Ask(std::span<const TokenPath> paths, std::span<const TokenPath> alongside = {});
  // What comes after a path that was asked for.
  const NextToken& After(const TokenPath& path) const { return known_.at(path); }
  bool all_finite() const { return all_finite_; }

 private:
  Result<void> AskModel(std::vector<TokenPath> paths);

  NextTokenScorer& scorer_;
  size_t vocab_;
  std::map<TokenPath, NextToken> known_;
  bool all_finite_ = true;
};

}  // namespace gatehouse

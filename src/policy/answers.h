// Answers: what a judgement knows so far of what the model would say, and what it must be told before it can
// go on.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "tensor/next_token.h"

namespace gatehouse {

class Answers {
 public:
  // Whether all that is asked is known. If not, it is wanted from here on, and so is `alongside`: a pass
  // costs what reading all weights costs, however few its rows. Whether an answer is a number counts only
  // once it is asked for.
  bool Know(std::span<const Question> questions, std::span<const Question> alongside = {});
  // answers[i]: to wanted()[i]. After this nothing is wanted.
  void Tell(std::span<const NextToken> answers);

  const std::vector<Question>& wanted() const { return wanted_; }
  // Log-probability of a token after a path; both were asked for together.
  double LogP(const TokenPath& path, int32_t token) const;
  int32_t Best(const TokenPath& path) const { return known_.at(path).best; }
  bool all_finite() const { return all_finite_; }

 private:
  struct Known {
    double log_total = 0.0;
    int32_t best = 0;
    std::map<int32_t, float> logits;
  };
  bool Knows(const Question& question) const;
  void Want(const Question& question);

  std::map<TokenPath, Known> known_;
  std::vector<Question> wanted_;  // of different paths
  bool all_finite_ = true;
};

}  // namespace gatehouse

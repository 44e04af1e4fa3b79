// NextToken: the logits after one continuation, read as log-probabilities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gatehouse {

// log(sum(e^logit)), to about 1e-6. Not a number where a logit is none or plus infinity, or where all are
// minus infinity; a single minus infinity is a token that cannot come.
double LogTotal(std::span<const float> logits);

struct NextToken {
  std::vector<float> logits;  // [vocab], or more
  double log_total = 0.0;

  // Log-probability of a token.
  double operator[](size_t token) const { return static_cast<double>(logits[token]) - log_total; }
};

// The most likely token (the first of equal ones).
int32_t ArgMax(const NextToken& after);

}  // namespace gatehouse

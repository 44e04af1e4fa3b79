// What may come after a text: asked by whoever reads verdicts (policy), known to whoever runs the network
// (backend, model, engine). Full rows of logits stay where they were computed; only what was asked for goes
// on.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace gatehouse {

// Tokens that continue a text; empty: its end.
using TokenPath = std::vector<int32_t>;

// What is wanted after one path: the logits of some tokens, or of all (`whole`, for inspection).
struct Question {
  TokenPath path;
  std::vector<int32_t> ids;
  bool whole = false;
};

struct NextToken {
  // log(sum(e^logit)) over the vocabulary, to about 1e-6. Not a number where a logit is none or plus
  // infinity, or where all are minus infinity; a single minus infinity is a token that cannot come.
  double log_total = 0.0;
  int32_t best = 0;           // the most likely token, the first of equal ones
  std::vector<float> logits;  // [ids of the question], or [vocab]

  bool finite() const { return std::isfinite(log_total); }
};

}  // namespace gatehouse

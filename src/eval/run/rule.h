// VerdictRule: how scores become a verdict when thresholds are tried on a record, without a model.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/run/prediction.h"

namespace gatehouse {

struct VerdictRule {
  bool recorded = true;  // take the verdicts of the record; what follows is not used
  std::optional<double> threshold;
  std::vector<std::pair<std::string, double>> category_thresholds;
};

struct Decision {
  bool unsafe = false;
  std::vector<std::string> categories;
};

// docs/verdict.md says what thresholds do. A verdict of "unknown" stays: thresholds do not answer for the
// model. Where a row becomes unsafe that was not, the record has no list for it: the likeliest category
// stands for it, with those that reach a threshold of their own.
Decision Decide(const VerdictRule& rule, const Prediction& prediction);

}  // namespace gatehouse

// Thresholds: from which scores on a message is unsafe, where a request wants it otherwise than its policy
// (docs/verdict.md).
//
//   ClassifyOptions options;
//   options.thresholds.replaces = true;
//   options.thresholds.overall = 0.4;             // of unsafe_score
//   options.thresholds.categories = {{"S4", 0.1}};
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

struct Thresholds {
  bool replaces = false;          // `overall` is used in place of the policy's
  std::optional<double> overall;  // of unsafe_score; none: only the categories' own judge
  std::vector<std::pair<std::string, double>> categories;  // of keys: in place of the policy's
};

}  // namespace gatehouse

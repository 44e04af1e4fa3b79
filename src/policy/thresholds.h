// Thresholds as people write them: "0.4,S4=0.1", or {"threshold": 0.4, "thresholds": {"S4": 0.1}}.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct Thresholds {
  bool replaces = false;            // a threshold for unsafe_score was given ...
  std::optional<double> threshold;  // ... possibly "none": only the categories' own judge
  std::vector<std::pair<std::string, double>> categories;
};

// Errors: kUsage.
Result<Thresholds> ParseThresholds(std::string_view text);
// Errors: kBadInput, naming the file.
Result<Thresholds> ParseThresholdsJson(std::string_view json, const std::string& name);

}  // namespace gatehouse

// What every report begins with: what was measured by which rule.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse {

struct ReportHead {
  std::string model, policy, data;  // names, untrusted
  std::string made;                 // date and time, or empty
  std::optional<double> threshold;  // that verdicts were made with; none: only categories' own judge
  std::vector<std::pair<std::string, double>> category_thresholds;
  std::vector<std::pair<std::string, std::string>> category_names;  // key, name for people
};

}  // namespace gatehouse

// The percentile of a sample, between two of its values by linear interpolation, and the interval of the
// values of a bootstrap's rounds. Internal to this folder.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "eval/figures/bootstrap.h"

namespace gatehouse {

// `sorted` is not empty, share is 0..1.
inline double Percentile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[below], sorted[below + 1], position - static_cast<double>(below));
}

// values: of the rounds that define a figure; they get sorted. Absent where more than half of the rounds do
// not.
inline std::optional<Interval> PercentileInterval(std::vector<double>& values,
                                                  const BootstrapOptions& options) {
  if (values.empty() || 2 * values.size() < static_cast<size_t>(options.rounds)) return std::nullopt;
  std::sort(values.begin(), values.end());
  const double tail = std::clamp((1 - options.level) / 2, 0.0, 0.5);
  return Interval{Percentile(values, tail), Percentile(values, 1 - tail)};
}

}  // namespace gatehouse

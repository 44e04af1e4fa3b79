// The percentile of a sample, between two of its values by linear interpolation. Internal to this folder.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace gatehouse {

// `sorted` is not empty, share is 0..1.
inline double Percentile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(position);
  if (below + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[below], sorted[below + 1], position - static_cast<double>(below));
}

}  // namespace gatehouse

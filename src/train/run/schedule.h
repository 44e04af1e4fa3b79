// The rate of a step: it rises over the first steps, then falls along a half cosine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace gatehouse::train {

struct Schedule {
  double rate = 2e-4;    // the highest
  int64_t warm_up = 20;  // steps until then
  double floor = 0.05;   // share of it that is left at the end

  double RateOf(int64_t step, int64_t steps) const {
    if (step < warm_up) return rate * static_cast<double>(step + 1) / static_cast<double>(warm_up);
    const double way =
        static_cast<double>(step - warm_up) / static_cast<double>(std::max<int64_t>(1, steps - warm_up));
    return rate * (floor + (1 - floor) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(way, 1.0))));
  }
};

}  // namespace gatehouse::train

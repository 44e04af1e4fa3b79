// LoraDelta: what an adapter makes of rows of a weight.
#include <algorithm>
#include <cmath>

#include "checkpoint/adapter.h"

namespace gatehouse {

void LoraDelta::MergeRows(int64_t first, int64_t count, float* values) const {
  std::vector<float> sum(static_cast<size_t>(cols));
  for (int64_t i = 0; i < count; ++i) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (int64_t r = 0; r < rank; ++r) {
      const float factor = b[static_cast<size_t>((first + i) * rank + r)];
      const float* row = a.data() + r * cols;
      for (int64_t k = 0; k < cols; ++k) sum[static_cast<size_t>(k)] += factor * row[k];
    }
    float* to = values + i * cols;
    for (int64_t k = 0; k < cols; ++k) to[k] += scale * sum[static_cast<size_t>(k)];
    if (magnitude.empty()) continue;
    double squares = 0;
    for (int64_t k = 0; k < cols; ++k) squares += double{to[k]} * to[k];
    const double stretch = magnitude[static_cast<size_t>(first + i)] / std::sqrt(squares);
    for (int64_t k = 0; k < cols; ++k) to[k] = static_cast<float>(stretch * to[k]);
  }
}

}  // namespace gatehouse

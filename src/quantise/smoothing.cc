#include "quantise/smoothing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gatehouse {
namespace {

// Largest magnitude of each channel: of the sampled inputs, and of the weights' columns.
std::vector<float> LargestInputs(const InputMoments& inputs) {
  std::vector<float> out(static_cast<size_t>(inputs.cols), 0.0f);
  for (int64_t row = 0; row < inputs.sample_rows; ++row) {
    for (int64_t k = 0; k < inputs.cols; ++k) {
      float& most = out[static_cast<size_t>(k)];
      most = std::max(most, std::fabs(inputs.samples[static_cast<size_t>(row * inputs.cols + k)]));
    }
  }
  return out;
}

std::vector<float> LargestWeights(const RoundedProducts& products) {
  const int64_t cols = products.inputs->cols;
  std::vector<float> out(static_cast<size_t>(cols), 0.0f), block;
  constexpr int64_t kRows = 64;
  for (const RoundedProducts::Weight& weight : products.weights) {
    for (int64_t first = 0; first < weight.view.rows; first += kRows) {
      const int64_t count = std::min(kRows, weight.view.rows - first);
      block.resize(static_cast<size_t>(count * cols));
      weight.view.ReadRows(first, count, block.data());
      for (size_t i = 0; i < block.size(); ++i) {
        float& most = out[i % static_cast<size_t>(cols)];
        most = std::max(most, std::fabs(block[i]));
      }
    }
  }
  return out;
}

// Channels that share a factor all count as the largest of them.
void Share(const std::vector<int64_t>& shared, std::vector<float>* largest) {
  if (shared.empty()) return;
  std::vector<float> most(largest->size(), 0.0f);
  for (size_t k = 0; k < shared.size(); ++k) {
    float& one = most[static_cast<size_t>(shared[k])];
    one = std::max(one, (*largest)[k]);
  }
  for (size_t k = 0; k < shared.size(); ++k) (*largest)[k] = most[static_cast<size_t>(shared[k])];
}

// inputs^a / weights^b, around 1, and within 2^-10 .. 2^10 so that nothing overflows or vanishes. Channels of
// which nothing is known keep 1.
std::vector<float> Factors(const std::vector<float>& inputs, const std::vector<float>& weights, double a,
                           double b) {
  std::vector<double> logs(inputs.size(), 0.0);
  double sum = 0.0;
  int64_t known = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!(inputs[k] > 0.0f) || !(weights[k] > 0.0f)) continue;
    logs[k] = a * std::log2(static_cast<double>(inputs[k])) - b * std::log2(static_cast<double>(weights[k]));
    sum += logs[k];
    ++known;
  }
  std::vector<float> out(inputs.size(), 1.0f);
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!(inputs[k] > 0.0f) || !(weights[k] > 0.0f)) continue;
    const double log = std::clamp(logs[k] - sum / static_cast<double>(known), -10.0, 10.0);
    out[k] = static_cast<float>(std::exp2(log));
  }
  return out;
}

}  // namespace

WeightView EditedView(const WeightView& view, const WeightEdit& edit) {
  WeightView out = view;
  const auto read = [view, edit](int64_t first, int64_t count, float* values) {
    std::vector<float> ordered(edit.column_order.size());
    for (int64_t n = 0; n < count; ++n) {
      const auto at = static_cast<size_t>(first + n);
      const float row = edit.rows.empty() ? 1.0f : edit.rows[at];
      float* to = values + n * view.cols;
      view.ReadRows(edit.row_order.empty() ? first + n : edit.row_order[at], 1, to);
      if (!ordered.empty()) {
        for (size_t k = 0; k < ordered.size(); ++k) ordered[k] = to[edit.column_order[k]];
        std::copy(ordered.begin(), ordered.end(), to);
      }
      for (int64_t k = 0; k < view.cols; ++k)
        to[k] *= row * (edit.columns.empty() ? 1.0f : edit.columns[static_cast<size_t>(k)]);
    }
  };
  out.storage = ComputedRows{read, view.tensor()};
  return out;
}

std::vector<int64_t> ChannelsBySize(const InputMoments& inputs) {
  const int64_t cols = inputs.cols;
  std::vector<double> squares(static_cast<size_t>(inputs.sample_rows), 0.0);  // of rows
  std::vector<double> sizes(static_cast<size_t>(cols), 0.0);
  const auto square = [&](int64_t row, int64_t k) {
    const auto value = static_cast<double>(inputs.samples[static_cast<size_t>(row * cols + k)]);
    return value * value;
  };
  for (int64_t row = 0; row < inputs.sample_rows; ++row) {
    for (int64_t k = 0; k < cols; ++k) squares[static_cast<size_t>(row)] += square(row, k);
  }
  std::vector<double> sorted = squares;
  std::sort(sorted.begin(), sorted.end());
  const double usual = sorted.empty() ? 0.0 : sorted[sorted.size() / 2];
  for (int64_t row = 0; row < inputs.sample_rows; ++row) {
    const double weight = 1.0 / (1.0 + squares[static_cast<size_t>(row)] / std::max(usual, 1e-30));
    for (int64_t k = 0; k < cols; ++k) sizes[static_cast<size_t>(k)] += weight * square(row, k);
  }
  std::vector<int64_t> order(static_cast<size_t>(cols));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return sizes[static_cast<size_t>(a)] > sizes[static_cast<size_t>(b)];
  });
  return order;
}

InputMoments Reordered(const InputMoments& inputs, const std::vector<int64_t>& order) {
  InputMoments out = inputs;
  for (int64_t row = 0; row < inputs.sample_rows; ++row) {
    for (int64_t k = 0; k < inputs.cols; ++k) {
      out.samples[static_cast<size_t>(row * inputs.cols + k)] =
          inputs.samples[static_cast<size_t>(row * inputs.cols + order[static_cast<size_t>(k)])];
    }
  }
  return out;
}

SmoothingChoice ChooseSmoothing(const RoundedProducts& products, const std::vector<int64_t>& shared,
                                ThreadPool& pool) {
  constexpr double kExponents[][2] = {{0.25, 0.0},  {0.5, 0.0},  {0.5, 0.25}, {0.5, 0.5},
                                      {0.75, 0.25}, {0.75, 0.0}, {1.0, 0.0}};
  constexpr double kWorthIt = 0.97;  // of the error left; less gain than this is chance
  SmoothingChoice best;
  best.error_before = best.error_after = RoundingError(products, {}, true, pool);
  std::vector<float> inputs = LargestInputs(*products.inputs), weights = LargestWeights(products);
  Share(shared, &inputs);
  Share(shared, &weights);
  for (const auto& [a, b] : kExponents) {
    std::vector<float> factors = Factors(inputs, weights, a, b);
    const double error = RoundingError(products, factors, true, pool);
    if (error >= best.error_after || error >= kWorthIt * best.error_before) continue;
    best.error_after = error;
    best.factors = std::move(factors);
  }
  return best;
}

}  // namespace gatehouse

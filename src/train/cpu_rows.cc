// What is done row by row, in double where it is a small part of a step.
#include <algorithm>
#include <cmath>

#include "base/mix64.h"
#include "train/cpu_parts.h"

namespace gatehouse::train::cpu {
// Sixteen bits for each value, four of them of one number.
void DropRow(const Dropout& dropout, int64_t row, int64_t n, const float* x, bool adds, float* y) {
  constexpr int64_t kOfANumber = 4;
  constexpr float kAll = 65536.0f;
  const auto dropped = static_cast<uint32_t>(std::lround(dropout.rate * kAll));
  const float factor = kAll / (kAll - static_cast<float>(dropped));
  uint64_t counter = Mix64(dropout.seed + static_cast<uint64_t>(row) * kGolden64);
  for (int64_t first = 0; first < n; first += kOfANumber) {
    counter += kGolden64;
    uint64_t bits = Mix64(counter);
    for (int64_t i = first; i < std::min(n, first + kOfANumber); ++i, bits >>= 16) {
      const float value = (bits & 0xffff) < dropped ? 0.0f : factor * x[i];
      y[i] = adds ? y[i] + value : value;
    }
  }
}

double CrossEntropyRow(float* logits, int64_t n, int32_t target, float weight) {
  const float largest = *std::max_element(logits, logits + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(double{logits[i]} - largest);
  const double loss = largest + std::log(sum) - logits[target];
  const double factor = weight / sum;
  for (int64_t i = 0; i < n; ++i)
    logits[i] = static_cast<float>(factor * std::exp(double{logits[i]} - largest));
  logits[target] -= weight;
  return weight * loss;
}

void AdamWRow(const AdamWStep& step, int64_t n, const float* gradient, float* first, float* second,
              float* value) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = step.gradient_factor * gradient[i];
    first[i] = step.beta1 * first[i] + (1.0f - step.beta1) * g;
    second[i] = step.beta2 * second[i] + (1.0f - step.beta2) * g * g;
    const float toward = step.first_share * first[i] / (std::sqrt(step.second_share * second[i]) + step.eps);
    value[i] -= step.rate * (toward + step.decay * value[i]);
  }
}

void RunRmsNormWeightBack(Mat x, float eps, Mat dy, Mat dweight) {
  std::vector<double> sums(static_cast<size_t>(x.cols));
  for (int64_t row = 0; row < x.rows; ++row) {
    const float *values = RowOf(x, row), *gradient = RowOf(dy, row);
    double squares = 0;
    for (int64_t i = 0; i < x.cols; ++i) squares += double{values[i]} * values[i];
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(x.cols) + double{eps});
    for (int64_t i = 0; i < x.cols; ++i)
      sums[static_cast<size_t>(i)] += double{gradient[i]} * values[i] * factor;
  }
  for (int64_t i = 0; i < x.cols; ++i) Data(dweight)[i] += static_cast<float>(sums[static_cast<size_t>(i)]);
}

double RunSumSquares(const Context& context, Mat x) {
  std::vector<double> of_rows(static_cast<size_t>(x.rows));
  ForRows(context, x.rows, [&](int64_t row) {
    double sum = 0;
    for (int64_t i = 0; i < x.cols; ++i) sum += double{RowOf(x, row)[i]} * RowOf(x, row)[i];
    of_rows[static_cast<size_t>(row)] = sum;
  });
  double sum = 0;
  for (const double one : of_rows) sum += one;
  return sum;
}

}  // namespace gatehouse::train::cpu

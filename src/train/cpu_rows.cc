// Gradients of what is done row by row. Sums of a row run in double, in order: they are a small part of a
// step, and the gradient of a norm is a difference of two near values.
#include <algorithm>
#include <cmath>

#include "train/cpu_parts.h"

namespace gatehouse::train::cpu {
namespace {

// 1 / sqrt(mean(x^2) + eps)
double InverseRms(const float* x, int64_t n, float eps) {
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += double{x[i]} * x[i];
  return 1.0 / std::sqrt(squares / static_cast<double>(n) + double{eps});
}

}  // namespace

// y_i = r x_i w_i with r = InverseRms, and dr/dx_i = -r^3 x_i / n.
void RmsNormRowBack(const float* x, const float* weight, int64_t n, float eps, const float* dy, float* dx) {
  const double inverse = InverseRms(x, n, eps);
  double along = 0;
  for (int64_t i = 0; i < n; ++i) along += double{dy[i]} * weight[i] * x[i];
  const auto r = static_cast<float>(inverse);
  const auto back = static_cast<float>(inverse * inverse * inverse * along / static_cast<double>(n));
  for (int64_t i = 0; i < n; ++i) dx[i] += r * dy[i] * weight[i] - back * x[i];
}

void NormRowBack(const float* x, int64_t n, float eps, float* dy) {
  const double inverse = InverseRms(x, n, eps);
  double along = 0;
  for (int64_t i = 0; i < n; ++i) along += double{dy[i]} * x[i];
  const auto r = static_cast<float>(inverse);
  const auto back = static_cast<float>(inverse * inverse * inverse * along / static_cast<double>(n));
  for (int64_t i = 0; i < n; ++i) dy[i] = r * dy[i] - back * x[i];
}

void SwiGluRowBack(const float* dy, int64_t n, float* gate, float* up) {
  for (int64_t i = 0; i < n; ++i) {
    const float g = gate[i];
    const float sigmoid = 1.0f / (1.0f + std::exp(-g));
    const float silu = g * sigmoid;
    gate[i] = dy[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
    up[i] = dy[i] * silu;
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

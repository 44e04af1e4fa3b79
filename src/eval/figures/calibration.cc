#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/figures/figures.h"
#include "policy/verdict.h"

namespace gatehouse {
namespace {

constexpr double kClamp = 1e-7;
constexpr int kMaxSteps = 100;
// Of a step, against the size of what it changes. Steps shrink as the square: none after it would be seen.
constexpr double kTolerance = 1e-7;

double Logit(double score) { return std::log(score) - std::log1p(-score); }

// The mean log loss of sigmoid(slope * x + offset), its gradient and its second derivatives.
struct Loss {
  double value = 0;
  double d_slope = 0, d_offset = 0;
  double slope_slope = 0, slope_offset = 0, offset_offset = 0;
};

Loss LossAt(const std::vector<double>& x, const uint8_t* labels, double slope, double offset) {
  Loss loss;
  for (size_t i = 0; i < x.size(); ++i) {
    const double z = slope * x[i] + offset;
    const double small = std::exp(-std::abs(z));
    const double p = (z >= 0 ? 1 : small) / (1 + small);
    const double y = labels[i] != 0 ? 1 : 0;
    // log(1 + exp(z)) - y z, where neither part can overflow or cancel.
    loss.value += std::log1p(small) + (z >= 0 ? (1 - y) * z : -y * z);
    const double weight = small / ((1 + small) * (1 + small));  // p (1 - p), also where p rounds to 1
    loss.d_slope += (p - y) * x[i];
    loss.d_offset += p - y;
    loss.slope_slope += weight * x[i] * x[i];
    loss.slope_offset += weight * x[i];
    loss.offset_offset += weight;
  }
  const double n = static_cast<double>(x.size());
  for (double* sum : {&loss.value, &loss.d_slope, &loss.d_offset, &loss.slope_slope, &loss.slope_offset,
                      &loss.offset_offset}) {
    *sum /= n;
  }
  return loss;
}

// With one input a finite optimum exists exactly when the classes overlap: no threshold, either way round,
// has each class on its own side, rows at the threshold included.
bool Overlap(const std::vector<double>& x, const uint8_t* labels) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double low[2] = {kInfinity, kInfinity}, high[2] = {-kInfinity, -kInfinity};
  for (size_t i = 0; i < x.size(); ++i) {
    const int y = labels[i] != 0 ? 1 : 0;
    low[y] = std::min(low[y], x[i]);
    high[y] = std::max(high[y], x[i]);
  }
  return high[0] > low[1] && high[1] > low[0];
}

// Shifts and scales x to mean 0 and variance 1, where Newton's equations are well conditioned.
void Standardise(std::vector<double>& x, double& mean, double& deviation) {
  const double n = static_cast<double>(x.size());
  double sum = 0, squares = 0;
  for (const double value : x) sum += value;
  mean = sum / n;
  for (const double value : x) squares += (value - mean) * (value - mean);
  deviation = std::sqrt(squares / n);
  for (double& value : x) value = (value - mean) / deviation;
}

}  // namespace

std::optional<Calibration> FitCalibration(const ScoredRows& rows) {
  std::vector<double> x(rows.n);
  for (size_t i = 0; i < rows.n; ++i) x[i] = Logit(std::clamp(rows.scores[i], kClamp, 1 - kClamp));
  if (!Overlap(x, rows.labels)) return std::nullopt;
  double mean = 0, deviation = 1;
  Standardise(x, mean, deviation);

  double slope = 0, offset = 0;
  Loss loss = LossAt(x, rows.labels, slope, offset);
  for (int step = 0; step < kMaxSteps; ++step) {
    const double determinant = loss.slope_slope * loss.offset_offset - loss.slope_offset * loss.slope_offset;
    if (!(determinant > 0)) return std::nullopt;
    const double to_slope =
        (loss.slope_offset * loss.d_offset - loss.offset_offset * loss.d_slope) / determinant;
    const double to_offset =
        (loss.slope_offset * loss.d_slope - loss.slope_slope * loss.d_offset) / determinant;
    const double descent = loss.d_slope * to_slope + loss.d_offset * to_offset;  // below 0
    // At the end the loss changes by less than the rounding of its sum, which must not stop the search. All
    // terms are positive, so that rounding is at most a share of it.
    const double rounding =
        loss.value * std::numeric_limits<double>::epsilon() * (8 + static_cast<double>(x.size()));
    double length = 1;
    Loss next = LossAt(x, rows.labels, slope + to_slope, offset + to_offset);
    while (!(next.value <= loss.value + 1e-4 * length * descent + rounding)) {
      length /= 2;
      if (length < 1e-12) return std::nullopt;
      next = LossAt(x, rows.labels, slope + length * to_slope, offset + length * to_offset);
    }
    slope += length * to_slope;
    offset += length * to_offset;
    loss = next;
    if (std::abs(to_slope) <= kTolerance * (1 + std::abs(slope)) &&
        std::abs(to_offset) <= kTolerance * (1 + std::abs(offset))) {
      return Calibration{slope / deviation, offset - slope * mean / deviation};
    }
  }
  return std::nullopt;
}

double Calibrated(const Calibration& calibration, double score) {
  return CalibratedScore(calibration.scale, calibration.bias, score);
}

}  // namespace gatehouse

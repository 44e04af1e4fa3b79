#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "columns.h"
#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

using test::Columns;

// Adds `unsafe` unsafe rows of `n` at one score. With two scores the fit passes through both shares.
void Add(Columns& columns, double score, int n, int unsafe) {
  for (int i = 0; i < n; ++i) {
    columns.scores.push_back(score);
    columns.labels.push_back(i < unsafe);
  }
}

TEST(FitCalibration, PassesThroughTwoShares) {
  const double clamped = std::log((1 - 1e-7) / 1e-7);
  const struct {
    double low;
    int low_unsafe;
    double high;
    int high_unsafe;  // of 12 rows each
    double scale, bias;
  } cases[] = {
      {0.25, 3, 0.75, 9, 1, 0},  // calibrated already
      {0.5, 3, 0.8, 9, 2 * std::log(3) / std::log(4), -std::log(3)},
      {0.25, 9, 0.75, 3, -1, 0},  // the wrong way round
      {0.25, 6, 0.75, 6, 0, 0},   // tells nothing
      {0, 4, 1, 8, std::log(2) / clamped, 0},
      {0, 1, 1, 11, std::log(11) / clamped, 0},
      // Logits 10 and 12 against ln 5 and -ln 5: far from the middle.
      {1 / (1 + std::exp(-10)), 2, 1 / (1 + std::exp(-12)), 10, std::log(5), -11 * std::log(5)},
  };
  for (const auto& c : cases) {
    Columns columns;
    Add(columns, c.low, 12, c.low_unsafe);
    Add(columns, c.high, 12, c.high_unsafe);
    const auto fit = FitCalibration(columns.Rows());
    ASSERT_TRUE(fit) << c.scale;
    EXPECT_NEAR(fit->scale, c.scale, 1e-8) << c.low << " " << c.high;
    EXPECT_NEAR(fit->bias, c.bias, 1e-7) << c.low << " " << c.high;
  }
}

TEST(FitCalibration, AbsentWithoutAnOptimum) {
  const struct {
    const char* name;
    Columns columns;
  } cases[] = {
      {"empty", {}},
      {"unsafe alone", {{0.1, 0.9}, {1, 1}, {}}},
      {"safe alone", {{0.1, 0.9}, {0, 0}, {}}},
      {"separable", {{0.1, 0.2, 0.8, 0.9}, {0, 0, 1, 1}, {}}},
      {"separable the other way", {{0.1, 0.2, 0.8, 0.9}, {1, 1, 0, 0}, {}}},
      {"classes touch", {{0.1, 0.5, 0.5, 0.9}, {0, 0, 1, 1}, {}}},
      {"one score", {{0.5, 0.5, 0.5}, {0, 1, 0}, {}}},
      {"one score once clamped", {{0, 1e-9, 1e-8}, {0, 1, 0}, {}}},
  };
  for (auto c : cases) EXPECT_FALSE(FitCalibration(c.columns.Rows())) << c.name;
}

// At the optimum the residuals sum to 0, and so do the residuals times the logits.
void ExpectOptimum(const Columns& columns, const Calibration& fit) {
  double residuals = 0, moments = 0;
  for (size_t i = 0; i < columns.scores.size(); ++i) {
    const double score = std::clamp(columns.scores[i], 1e-7, 1 - 1e-7);
    const double x = std::log(score / (1 - score));
    const double residual = 1 / (1 + std::exp(-(fit.scale * x + fit.bias))) - columns.labels[i];
    residuals += residual;
    moments += residual * x;
  }
  EXPECT_NEAR(residuals, 0, 1e-6);
  EXPECT_NEAR(moments, 0, 1e-5);
}

TEST(FitCalibration, IsAnOptimum) {
  std::mt19937_64 engine(41);
  int fitted = 0;
  for (int round = 0; round < 200; ++round) {
    Columns columns = test::RandomColumns(engine, 5 + round * 4, round % 3 == 0 ? round % 11 + 2 : 0);
    if (round % 5 == 0) {
      // Nearly separable: one row of a thousand keeps the optimum finite.
      for (size_t i = 0; i < columns.scores.size(); ++i) columns.labels[i] = columns.scores[i] > 0.5;
      const auto low = std::min_element(columns.scores.begin(), columns.scores.end());
      columns.labels[low - columns.scores.begin()] = 1;
    }
    const auto fit = FitCalibration(columns.Rows());
    if (!fit) continue;
    ++fitted;
    SCOPED_TRACE(round);
    ExpectOptimum(columns, *fit);
  }
  EXPECT_GT(fitted, 150);
}

// Rare outliers among rows of one class: whole Newton steps overshoot here, farther each time.
TEST(FitCalibration, WholeStepsWouldDiverge) {
  Columns columns;
  Add(columns, 0.0423, 2, 0);
  Add(columns, 0.7446, 317, 0);
  Add(columns, 0.8081, 4, 4);
  Add(columns, 0.8113, 5, 2);
  const auto fit = FitCalibration(columns.Rows());
  ASSERT_TRUE(fit);
  EXPECT_GT(fit->scale, 1);
  ExpectOptimum(columns, *fit);
}

// Sums over many rows round more than the last steps change the loss.
TEST(FitCalibration, ManyRows) {
  std::mt19937_64 engine(42);
  for (int round = 0; round < 24; ++round) {
    const double scale = 0.3 + round % 4, bias = round % 5 - 2.0;
    const size_t n = round == 0 ? 1'000'000 : 20'000;
    Columns columns;
    for (size_t i = 0; i < n; ++i) {
      const double x = 8 * test::Uniform(engine) - 4;
      const double score = 1 / (1 + std::exp(-x));
      columns.scores.push_back(round % 2 == 0 ? score : std::round(score * 100) / 100);
      columns.labels.push_back(test::Uniform(engine) < 1 / (1 + std::exp(-(scale * x + bias))));
    }
    const auto fit = FitCalibration(columns.Rows());
    ASSERT_TRUE(fit) << round;
    if (round % 2 != 0) continue;  // rounded scores are other scores: no known answer
    const double room = 5 * 4 / std::sqrt(static_cast<double>(n));  // some five standard errors
    EXPECT_NEAR(fit->scale, scale, room * (1 + scale)) << round;
    EXPECT_NEAR(fit->bias, bias, room * (1 + scale)) << round;
  }
}

TEST(FitCalibration, OneSwappedPairIsSteepButFound) {
  Columns columns;
  for (int i = 0; i < 1000; ++i) {
    columns.scores.push_back((i + 0.5) / 1000);
    columns.labels.push_back(i == 499 || (i >= 500 && i != 500));
  }
  const auto fit = FitCalibration(columns.Rows());
  ASSERT_TRUE(fit);
  EXPECT_GT(fit->scale, 100);
  EXPECT_NEAR(fit->bias, 0, 1e-6);  // the data are the same from either end
}

TEST(Calibrated, AsAPolicyDoes) {
  EXPECT_DOUBLE_EQ(Calibrated({2, std::log(3)}, 0.5), 0.75);
  EXPECT_DOUBLE_EQ(Calibrated({2, 0}, 0.75), 0.9);
  EXPECT_DOUBLE_EQ(Calibrated({-1, 0}, 0.75), 0.25);
  EXPECT_EQ(Calibrated({1, 0}, 0.3), 0.3);  // to the bit
  EXPECT_EQ(Calibrated({2, 5}, 0), 0);
  EXPECT_EQ(Calibrated({2, -5}, 1), 1);
  EXPECT_EQ(Calibrated({1000, 0}, 0.999), 1);  // no overflow
  EXPECT_EQ(Calibrated({1000, 0}, 0.001), 0);
}

}  // namespace
}  // namespace gatehouse

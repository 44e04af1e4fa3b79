#include "quantise/feedback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/vector/vector.h"

namespace gatehouse {
namespace {

struct Problem {
  int64_t rows, cols;
  std::vector<float> w;       // [rows, cols]
  std::vector<float> x;       // [samples, cols]
  std::vector<float> second;  // [cols, cols]
};

// Weights of a normal distribution and correlated inputs: every channel is a mix of a few hidden ones.
Problem MakeProblem(int64_t rows, int64_t cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Problem out{rows, cols, {}, {}, {}};
  const int64_t samples = 2 * cols, hidden = std::max<int64_t>(1, cols / 4);
  for (int64_t i = 0; i < rows * cols; ++i) out.w.push_back(normal(random));
  std::vector<float> mix(static_cast<size_t>(hidden * cols));
  for (float& one : mix) one = normal(random);
  out.x.resize(static_cast<size_t>(samples * cols));
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t h = 0; h < hidden; ++h) {
      const float value = normal(random);
      for (int64_t k = 0; k < cols; ++k)
        out.x[static_cast<size_t>(s * cols + k)] += value * mix[static_cast<size_t>(h * cols + k)];
    }
    for (int64_t k = 0; k < cols; ++k) out.x[static_cast<size_t>(s * cols + k)] += normal(random);
  }
  out.second.assign(static_cast<size_t>(cols * cols), 0.0f);
  for (int64_t s = 0; s < samples; ++s) {
    const float* row = out.x.data() + s * cols;
    for (int64_t i = 0; i < cols; ++i) {
      for (int64_t j = 0; j < cols; ++j) out.second[static_cast<size_t>(i * cols + j)] += row[i] * row[j];
    }
  }
  return out;
}

struct Panel {
  explicit Panel(QuantFormat format, int64_t cols)
      : values(static_cast<size_t>(QuantPanelBytes(format, cols)), 0xEE),
        scales(static_cast<size_t>(QuantGroups(cols) * kPanel), NAN) {}
  std::vector<uint8_t> values;
  std::vector<float> scales;
};

// ||(W - W') X||^2 over ||W X||^2, in double.
double OutputError(const Problem& problem, QuantFormat format, const Panel& panel) {
  std::vector<float> wide(static_cast<size_t>(problem.cols * kPanel));
  WidenQuantPanel(format, {panel.values.data(), panel.scales.data()}, problem.cols, wide.data());
  double wrong = 0, whole = 0;
  const auto samples = static_cast<int64_t>(problem.x.size()) / problem.cols;
  for (int64_t s = 0; s < samples; ++s) {
    for (int64_t n = 0; n < problem.rows; ++n) {
      double difference = 0, exact = 0;
      for (int64_t k = 0; k < problem.cols; ++k) {
        const double x = problem.x[static_cast<size_t>(s * problem.cols + k)];
        const double w = problem.w[static_cast<size_t>(n * problem.cols + k)];
        difference += x * (w - static_cast<double>(wide[static_cast<size_t>(k * kPanel + n)]));
        exact += x * w;
      }
      wrong += difference * difference;
      whole += exact * exact;
    }
  }
  return wrong / whole;
}

Panel WithFeedback(const Problem& problem, QuantFormat format) {
  const auto factor = FactorMoments(problem.second, problem.cols, {}, {}, 0.01, false, "test");
  EXPECT_TRUE(factor.ok());
  Panel out(format, problem.cols);
  RoundPanelWithFeedback(format, problem.w.data(), static_cast<int>(problem.rows), *factor, out.values.data(),
                         out.scales.data());
  return out;
}

Panel Plain(const Problem& problem, QuantFormat format) {
  Panel out(format, problem.cols);
  PackQuantPanel(format, problem.w.data(), problem.cols, static_cast<int>(problem.rows), problem.cols,
                 out.values.data(), out.scales.data());
  return out;
}

TEST(Feedback, HalvesTheErrorOfOutputsAtLeast) {
  for (const QuantFormat format : {QuantFormat::kQ8, QuantFormat::kQ4}) {
    for (const int64_t cols : {24, 130, 200, 320}) {
      const Problem problem = MakeProblem(32, cols, static_cast<unsigned>(cols));
      const double plain = OutputError(problem, format, Plain(problem, format));
      const double fed = OutputError(problem, format, WithFeedback(problem, format));
      EXPECT_LT(fed, 0.5 * plain) << cols;
      EXPECT_GT(fed, 0.0) << cols;
    }
  }
}

// The factors that weights of transformed inputs are rounded by.
TEST(Feedback, TransformedFactorsAreThoseOfTransformedInputs) {
  Problem problem = MakeProblem(1, 256, 9);
  const auto transformed = FactorMoments(problem.second, problem.cols, {}, {}, 0.01, true, "test");
  const auto samples = static_cast<int64_t>(problem.x.size()) / problem.cols;
  for (int64_t s = 0; s < samples; ++s)
    kRefVector.hadamard(problem.x.data() + s * problem.cols, problem.cols);
  for (int64_t i = 0; i < problem.cols; ++i) {
    for (int64_t j = 0; j < problem.cols; ++j) {
      double sum = 0;
      for (int64_t s = 0; s < samples; ++s) {
        sum += static_cast<double>(problem.x[static_cast<size_t>(s * problem.cols + i)]) *
               static_cast<double>(problem.x[static_cast<size_t>(s * problem.cols + j)]);
      }
      problem.second[static_cast<size_t>(i * problem.cols + j)] = static_cast<float>(sum);
    }
  }
  const auto expected = FactorMoments(problem.second, problem.cols, {}, {}, 0.01, false, "test");
  ASSERT_TRUE(transformed.ok() && expected.ok());
  for (int64_t i = 0; i < problem.cols; ++i) {
    const auto at = static_cast<size_t>(i);
    EXPECT_NEAR(transformed->d[at], expected->d[at], 1e-3f * expected->d[at] + 1e-5f) << i;
    for (int64_t j = i + 1; j < problem.cols; ++j) {
      const auto element = static_cast<size_t>(i * problem.cols + j);
      EXPECT_NEAR(transformed->upper[element], expected->upper[element], 2e-3f) << i << " " << j;
    }
  }
}

TEST(Feedback, FactorsGiveTheMomentsBack) {
  constexpr int64_t kCols = 40;
  const Problem problem = MakeProblem(1, kCols, 3);
  const auto factor = FactorMoments(problem.second, kCols, {}, {}, 0.25, false, "test");
  ASSERT_TRUE(factor.ok());
  double trace = 0, factored = 0;
  const auto upper = [&](int64_t j, int64_t k) {
    return j == k  ? 1.0
           : j < k ? static_cast<double>(factor->upper[static_cast<size_t>(j * kCols + k)])
                   : 0.0;
  };
  const auto product = [&](int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t k = 0; k < kCols; ++k)
      sum += upper(i, k) * upper(j, k) * static_cast<double>(factor->d[static_cast<size_t>(k)]);
    return sum;
  };
  for (int64_t i = 0; i < kCols; ++i) {
    trace += static_cast<double>(problem.second[static_cast<size_t>(i * kCols + i)]);
    factored += product(i, i);
  }
  for (int64_t i = 0; i < kCols; ++i) {
    for (int64_t j = 0; j < kCols; ++j) {
      double expected = static_cast<double>(problem.second[static_cast<size_t>(i * kCols + j)]) / trace;
      if (i == j) expected += 0.25 / static_cast<double>(kCols);
      EXPECT_NEAR(product(i, j) / factored * 1.25, expected, 1e-6) << i << " " << j;
    }
  }
}

TEST(Feedback, OrderAndScaleAreThoseOfTheInputs) {
  const Problem problem = MakeProblem(1, 4, 9);
  std::vector<float> changed(16);
  const std::vector<int64_t> order = {2, 0, 3, 1};
  const std::vector<float> scale = {1.0f, 2.0f, 0.5f, 4.0f};
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 4; ++j)
      changed[i * 4 + j] = problem.second[static_cast<size_t>(order[i] * 4 + order[j])] * scale[i] * scale[j];
  }
  const auto a = FactorMoments(problem.second, 4, order, scale, 0.01, false, "test");
  const auto b = FactorMoments(changed, 4, {}, {}, 0.01, false, "test");
  ASSERT_TRUE(a.ok() && b.ok());
  for (size_t i = 0; i < 16; ++i) EXPECT_NEAR(a->upper[i], b->upper[i], 1e-5);
  for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(a->d[k], b->d[k], 1e-5);
}

TEST(Feedback, WithoutMomentsNothingIsFedOn) {
  Problem problem = MakeProblem(7, 150, 5);
  problem.second.assign(problem.second.size(), 0.0f);
  const Panel fed = WithFeedback(problem, QuantFormat::kQ8), plain = Plain(problem, QuantFormat::kQ8);
  // The search for scales may only make the weights' own error smaller.
  std::vector<float> a(150 * kPanel), b(150 * kPanel);
  WidenQuantPanel(QuantFormat::kQ8, {fed.values.data(), fed.scales.data()}, 150, a.data());
  WidenQuantPanel(QuantFormat::kQ8, {plain.values.data(), plain.scales.data()}, 150, b.data());
  double with = 0, without = 0;
  for (int64_t k = 0; k < 150; ++k) {
    for (int64_t n = 0; n < 7; ++n) {
      const float w = problem.w[static_cast<size_t>(n * 150 + k)];
      with += std::pow(static_cast<double>(w - a[static_cast<size_t>(k * kPanel + n)]), 2);
      without += std::pow(static_cast<double>(w - b[static_cast<size_t>(k * kPanel + n)]), 2);
    }
    for (int64_t n = 7; n < kPanel; ++n) EXPECT_EQ(a[static_cast<size_t>(k * kPanel + n)], 0.0f);
  }
  EXPECT_LE(with, without);
}

TEST(Feedback, ZerosAndTinyWeightsStayFinite) {
  Problem problem = MakeProblem(32, 136, 6);
  for (size_t i = 0; i < problem.w.size(); ++i) problem.w[i] = i % 3 == 0 ? 1e-38f : 0.0f;
  for (const QuantFormat format : {QuantFormat::kQ8, QuantFormat::kQ4}) {
    const Panel panel = WithFeedback(problem, format);
    for (const float scale : panel.scales) EXPECT_TRUE(std::isfinite(scale));
  }
}

TEST(Feedback, MomentsThatAreNoneAreRefusedByName) {
  std::vector<float> second = {1.0f, 0.0f, 0.0f, std::numeric_limits<float>::quiet_NaN()};
  const auto nan = FactorMoments(second, 2, {}, {}, 0.01, false, "layers.7.o_proj");
  ASSERT_FALSE(nan.ok());
  EXPECT_THAT(nan.error().Message(), testing::HasSubstr("layers.7.o_proj"));
  second = {1.0f, 5.0f, 5.0f, 1.0f};
  EXPECT_FALSE(FactorMoments(second, 2, {}, {}, 0.01, false, "x").ok());
}

}  // namespace
}  // namespace gatehouse

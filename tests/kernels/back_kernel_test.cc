// Kernels of the way back, of every instruction set, against the formulas in double.
#include "kernels/vector/back.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/cpu.h"
#include "kernels/tables.h"

namespace gatehouse {
namespace {

constexpr float kGuard = 77.0f;
const std::vector<size_t> kLengths = {1, 2, 3, 15, 16, 17, 31, 88, 128, 577};

// One value more than asked for, which must stay as it is.
std::vector<float> Random(size_t count, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-magnitude, magnitude);
  std::vector<float> out(count + 1, kGuard);
  for (size_t i = 0; i < count; ++i) out[i] = value(random);
  return out;
}

class BackKernels : public testing::TestWithParam<size_t> {
 protected:
  size_t n() const { return GetParam(); }
  int64_t length() const { return static_cast<int64_t>(GetParam()); }
  static std::vector<const BackKernel*> Tables() { return BackTables(DetectIsa()); }
};

TEST_P(BackKernels, LargestOfAllValues) {
  for (const BackKernel* kernel : Tables()) {
    for (size_t where = 0; where < n(); ++where) {
      std::vector<float> x = Random(n(), 4.0f, 3);
      for (size_t i = 0; i < n(); ++i) x[i] -= 10.0f;  // all below 0
      x[where] = -0.5f;
      EXPECT_EQ(kernel->largest(x.data(), length()), -0.5f) << kernel->name << " at " << where;
    }
  }
}

TEST_P(BackKernels, ExponentialsAndTheirSum) {
  for (const BackKernel* kernel : Tables()) {
    const std::vector<float> x = Random(n(), 20.0f, 4);
    std::vector<float> y = x;
    y[0] = -std::numeric_limits<float>::infinity();
    const float sum = kernel->exponentials(y.data(), length(), 0.25f, 21.0f);
    double expected = 0;
    for (size_t i = 1; i < n(); ++i) {
      const double one = std::exp(0.25 * (static_cast<double>(x[i]) - 21.0));
      EXPECT_NEAR(y[i], one, 2e-6 * one) << kernel->name;
      expected += one;
    }
    EXPECT_EQ(y[0], 0.0f) << kernel->name;
    EXPECT_NEAR(sum, expected, 2e-6 * expected) << kernel->name;
    EXPECT_EQ(y[n()], kGuard);
  }
}

TEST(BackKernelsTest, WhatIsTooSmallIsZero) {
  for (const BackKernel* kernel : BackTables(DetectIsa())) {
    std::vector<float> x = {-1e30f, -200.0f, -88.0f, 0.0f};
    EXPECT_EQ(kernel->exponentials(x.data(), 4, 1.0f, 0.0f), 1.0f) << kernel->name;
    EXPECT_EQ(x, (std::vector<float>{0.0f, 0.0f, 0.0f, 1.0f})) << kernel->name;
  }
}

TEST_P(BackKernels, ThroughASoftmax) {
  constexpr double kScale = 0.3;
  for (const BackKernel* kernel : Tables()) {
    const std::vector<float> y = Random(n(), 1.0f, 5), dy = Random(n(), 2.0f, 6);
    double along = 0;
    for (size_t i = 0; i < n(); ++i) along += static_cast<double>(y[i]) * static_cast<double>(dy[i]);
    std::vector<float> found = dy;
    kernel->softmax_back(y.data(), length(), static_cast<float>(kScale), found.data());
    for (size_t i = 0; i < n(); ++i)
      EXPECT_NEAR(found[i], kScale * static_cast<double>(y[i]) * (static_cast<double>(dy[i]) - along), 1e-5)
          << kernel->name;
    EXPECT_EQ(found[n()], kGuard);
  }
}

TEST_P(BackKernels, ThroughSwiGlu) {
  for (const BackKernel* kernel : Tables()) {
    const std::vector<float> dy = Random(n(), 2.0f, 7);
    const std::vector<float> gates = Random(n(), 9.0f, 8), ups = Random(n(), 3.0f, 9);
    std::vector<float> gate = gates, up = ups;
    kernel->swiglu_back(dy.data(), length(), gate.data(), up.data());
    for (size_t i = 0; i < n(); ++i) {
      const double g = static_cast<double>(gates[i]), u = static_cast<double>(ups[i]);
      const double d = static_cast<double>(dy[i]), sigmoid = 1 / (1 + std::exp(-g));
      EXPECT_NEAR(up[i], d * g * sigmoid, 1e-5) << kernel->name;
      EXPECT_NEAR(gate[i], d * u * sigmoid * (1 + g * (1 - sigmoid)), 1e-5) << kernel->name << " of " << g;
    }
    EXPECT_EQ(gate[n()], kGuard);
    EXPECT_EQ(up[n()], kGuard);
  }
}

// The slope of y dy, y = rms_norm(x), by differences in double.
double SlopeOfRmsNorm(const std::vector<float>& x, const std::vector<float>* w, const std::vector<float>& dy,
                      size_t n, size_t at) {
  const auto value = [&](double step) {
    double squares = 0, sum = 0;
    for (size_t i = 0; i < n; ++i) squares += std::pow(static_cast<double>(x[i]) + (i == at ? step : 0), 2);
    const double r = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
    for (size_t i = 0; i < n; ++i) {
      const double weight = w == nullptr ? 1.0 : static_cast<double>((*w)[i]);
      sum += (static_cast<double>(x[i]) + (i == at ? step : 0)) * r * weight * static_cast<double>(dy[i]);
    }
    return sum;
  };
  return (value(1e-5) - value(-1e-5)) / 2e-5;
}

TEST_P(BackKernels, ThroughANorm) {
  for (const BackKernel* kernel : Tables()) {
    const std::vector<float> x = Random(n(), 3.0f, 10), weight = Random(n(), 2.0f, 11),
                             dy = Random(n(), 1.0f, 12);
    const std::vector<float> there = Random(n(), 1.0f, 13);
    std::vector<float> added = there, alone = dy;
    kernel->rms_norm_back(x.data(), weight.data(), length(), 1e-5f, dy.data(), /*adds=*/true, added.data());
    kernel->rms_norm_back(x.data(), nullptr, length(), 1e-5f, alone.data(), /*adds=*/false, alone.data());
    for (size_t at = 0; at < n(); at += 1 + n() / 20) {
      EXPECT_NEAR(added[at] - there[at], SlopeOfRmsNorm(x, &weight, dy, n(), at), 2e-4) << kernel->name;
      EXPECT_NEAR(alone[at], SlopeOfRmsNorm(x, nullptr, dy, n(), at), 2e-4) << kernel->name;
    }
    EXPECT_EQ(added[n()], kGuard);
    EXPECT_EQ(alone[n()], kGuard);
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, BackKernels, testing::ValuesIn(kLengths));

}  // namespace
}  // namespace gatehouse

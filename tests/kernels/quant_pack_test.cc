// Rounding of weights into panels: layout, error bounds, and that the search for 4-bit scales pays.
#include <gtest/gtest.h>

#include <cmath>

#include "quant_tables.h"

namespace gatehouse {
namespace {

QuantProblem Pack(QuantFormat format, const std::vector<float>& w, int rows, int64_t k) {
  QuantProblem out;
  out.format = format;
  out.k = k;
  out.panel.assign(static_cast<size_t>(QuantPanelBytes(format, k)), 0xEE);
  out.panel_scales.assign(static_cast<size_t>(QuantGroups(k) * kPanel), 1e9f);
  PackQuantPanel(format, w.data(), k, rows, k, out.panel.data(), out.panel_scales.data());
  return out;
}

std::vector<float> RandomWeights(int rows, int64_t k, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0.0f, magnitude);
  std::vector<float> out(static_cast<size_t>(rows * k));
  for (float& one : out) one = value(random);
  return out;
}

double ScaleOf(const QuantProblem& p, int64_t c, int64_t k) {
  return p.panel_scales[static_cast<size_t>(k / kQuantGroup * kPanel + c)];
}

constexpr int64_t kDepths[] = {1, 3, 8, 72, 128, 130, 576, 1000};

TEST(QuantPack, EightBitsAreWithinHalfAStep) {
  for (const int64_t k : kDepths) {
    const std::vector<float> w = RandomWeights(kPanel, k, 0.02f, static_cast<unsigned>(k));
    const QuantProblem p = Pack(QuantFormat::kQ8, w, kPanel, k);
    for (int64_t c = 0; c < kPanel; ++c) {
      for (int64_t i = 0; i < k; ++i) {
        const double scale = ScaleOf(p, c, i);
        EXPECT_GT(scale, 0.0);
        ASSERT_GE(QuantWeight(p, c, i), -127);
        ASSERT_NEAR(scale * QuantWeight(p, c, i), w[static_cast<size_t>(c * k + i)],
                    scale * 0.5 * (1 + 1e-4));
      }
    }
  }
}

TEST(QuantPack, MissingRowsAndPaddedDepthAreZero) {
  for (const QuantFormat format : kQuantFormats) {
    for (const int64_t k : kDepths) {
      const QuantProblem p = Pack(format, RandomWeights(5, k, 1.0f, 2), 5, k);
      for (int64_t c = 0; c < kPanel; ++c) {
        for (int64_t i = c < 5 ? k : 0; i < QuantPaddedK(k); ++i) ASSERT_EQ(QuantWeight(p, c, i), 0);
        if (c < 5) continue;
        for (int64_t group = 0; group < QuantGroups(k); ++group)
          EXPECT_EQ(ScaleOf(p, c, group * kQuantGroup), 0.0);
      }
    }
  }
}

TEST(QuantPack, WholeStepsAreKeptExactly) {
  for (const QuantFormat format : kQuantFormats) {
    const int low = format == QuantFormat::kQ8 ? -127 : -8;
    const int high = format == QuantFormat::kQ8 ? 127 : 7;
    std::mt19937 random(3);
    std::uniform_int_distribution<int> step(low, high);
    std::vector<float> w;
    for (int64_t i = 0; i < kPanel * 256; ++i) {
      w.push_back(0.25f * static_cast<float>(i % kQuantGroup == 0 ? low : step(random)));
    }
    const QuantProblem p = Pack(format, w, kPanel, 256);
    for (int64_t c = 0; c < kPanel; ++c) {
      for (int64_t i = 0; i < 256; ++i)
        ASSERT_NEAR(ScaleOf(p, c, i) * QuantWeight(p, c, i), w[static_cast<size_t>(c * 256 + i)], 1e-5);
    }
  }
}

double Squared(const std::vector<float>& w, int64_t begin, int64_t end, double scale) {
  double error = 0;
  for (int64_t i = begin; i < end; ++i) {
    const double value = w[static_cast<size_t>(i)];
    const double q = scale == 0 ? 0 : std::min(7.0, std::max(-8.0, std::nearbyint(value / scale)));
    error += (value - scale * q) * (value - scale * q);
  }
  return error;
}

TEST(QuantPack, FourBitSearchIsNoWorseThanRoundingByTheLargest) {
  double searched = 0, plain_total = 0;
  for (const int64_t k : kDepths) {
    const std::vector<float> w = RandomWeights(kPanel, k, 0.02f, static_cast<unsigned>(k) + 1);
    const QuantProblem p = Pack(QuantFormat::kQ4, w, kPanel, k);
    for (int64_t c = 0; c < kPanel; ++c) {
      for (int64_t begin = 0; begin < k; begin += kQuantGroup) {
        const int64_t end = std::min(k, begin + kQuantGroup);
        double extreme = 0, error = 0;
        for (int64_t i = begin; i < end; ++i) {
          const double value = w[static_cast<size_t>(c * k + i)];
          if (std::fabs(value) > std::fabs(extreme)) extreme = value;
          const double difference = value - ScaleOf(p, c, i) * QuantWeight(p, c, i);
          error += difference * difference;
        }
        const double symmetric = Squared(w, c * k + begin, c * k + end, std::fabs(extreme) / 7);
        const double asymmetric = Squared(w, c * k + begin, c * k + end, extreme / -8);
        const double plain = std::min(symmetric, asymmetric);
        // Sums of up to 128 squares in float: their own rounding is all that the search may lose.
        ASSERT_LE(error, plain + 1e-5 * extreme * extreme) << "k " << k << " column " << c;
        searched += error;
        plain_total += symmetric;
      }
    }
  }
  EXPECT_LT(searched, 0.9 * plain_total);
}

TEST(QuantPack, TinyAndHugeWeights) {
  for (const QuantFormat format : kQuantFormats) {
    const QuantProblem tiny = Pack(format, RandomWeights(kPanel, 200, 1e-38f, 5), kPanel, 200);
    for (int64_t c = 0; c < kPanel; ++c) {
      EXPECT_EQ(ScaleOf(tiny, c, 0), 0.0);
      for (int64_t i = 0; i < 200; ++i) ASSERT_EQ(QuantWeight(tiny, c, i), 0);
    }
    const std::vector<float> w = RandomWeights(kPanel, 200, 3e37f, 5);
    const QuantProblem huge = Pack(format, w, kPanel, 200);
    for (int64_t c = 0; c < kPanel; ++c) {
      for (int64_t i = 0; i < 200; ++i) {
        const double scale = ScaleOf(huge, c, i);
        ASSERT_TRUE(std::isfinite(scale));
        // Four bits may clip the side opposite to the extreme by a step or two.
        ASSERT_NEAR(scale * QuantWeight(huge, c, i), w[static_cast<size_t>(c * 200 + i)],
                    std::fabs(scale) * (format == QuantFormat::kQ8 ? 0.5001 : 2.5));
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse

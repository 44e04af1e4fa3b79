// Vector kernels of every instruction set against the formulas in double.
#include "kernels/vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/cpu.h"
#include "kernels/tables.h"
#include "tensor/tensor.h"

namespace gatehouse {
namespace {

std::vector<const VectorKernel*> Tables() { return VectorTables(DetectIsa()); }

std::vector<float> Random(size_t count, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-magnitude, magnitude);
  std::vector<float> out(count);
  for (float& x : out) x = value(random);
  return out;
}

TEST(VectorKernels, NormsAndActivationsOfEveryLength) {
  for (const VectorKernel* kernel : Tables()) {
    for (size_t n : {1u, 2u, 3u, 15u, 16u, 17u, 31u, 88u, 128u, 577u}) {
      const std::vector<float> x = Random(n, 4.0f, 3), w = Random(n, 2.0f, 4), b = Random(n, 1.0f, 5);
      std::vector<float> y(n);
      double squares = 0, mean = 0, variance = 0;
      for (const float v : x) {
        squares += static_cast<double>(v) * static_cast<double>(v);
        mean += static_cast<double>(v) / static_cast<double>(n);
      }
      for (const float v : x) variance += std::pow(static_cast<double>(v) - mean, 2) / static_cast<double>(n);
      const double rms = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5),
                   sd = 1 / std::sqrt(variance + 1e-5);
      kernel->rms_norm(x.data(), w.data(), static_cast<int64_t>(n), 1e-5f, y.data());
      for (size_t i = 0; i < n; ++i)
        EXPECT_NEAR(y[i], static_cast<double>(x[i]) * rms * static_cast<double>(w[i]), 1e-5);
      kernel->rms_norm(x.data(), nullptr, static_cast<int64_t>(n), 1e-5f, y.data());
      for (size_t i = 0; i < n; ++i) EXPECT_NEAR(y[i], static_cast<double>(x[i]) * rms, 1e-5);
      kernel->layer_norm(x.data(), w.data(), b.data(), static_cast<int64_t>(n), 1e-5f, y.data());
      for (size_t i = 0; i < n; ++i) {
        const double expected =
            (static_cast<double>(x[i]) - mean) * sd * static_cast<double>(w[i]) + static_cast<double>(b[i]);
        EXPECT_NEAR(y[i], expected, n == 1 ? 1e-3 : 2e-5) << kernel->name << " n " << n;
      }
      kernel->swiglu(x.data(), w.data(), static_cast<int64_t>(n), y.data());
      for (size_t i = 0; i < n; ++i) {
        const double g = static_cast<double>(x[i]);
        EXPECT_NEAR(y[i], g / (1 + std::exp(-g)) * static_cast<double>(w[i]), 2e-6) << kernel->name;
      }
      y = x;
      kernel->gelu(y.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < n; ++i) {
        const double v = static_cast<double>(x[i]);
        EXPECT_NEAR(y[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 2e-6) << kernel->name;
      }
    }
  }
}

TEST(VectorKernels, ActivationsOfExtremeValuesStayFinite) {
  for (const VectorKernel* kernel : Tables()) {
    std::vector<float> x = {-1e30f, -200.0f, -90.0f, -0.0f, 0.0f, 90.0f, 200.0f, 1e30f}, one(x.size(), 1.0f),
                       y(x.size());
    kernel->swiglu(x.data(), one.data(), static_cast<int64_t>(x.size()), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_NEAR(y[i], x[i] > 0 ? x[i] : 0.0f, std::fabs(x[i]) * 1e-6f) << kernel->name << " of " << x[i];
    }
    kernel->gelu(x.data(), static_cast<int64_t>(x.size()));
    for (const float v : x) EXPECT_TRUE(std::isfinite(v));
  }
}

TEST(VectorKernels, AttentionOverTwoPagesEqualsSoftmax) {
  for (const VectorKernel* kernel : Tables()) {
    for (const int head_dim : {32, 64, 88, 128}) {
      const int stride = ValueStride(head_dim), queries = 7;
      const size_t q_size = static_cast<size_t>(queries * head_dim);
      const std::vector<float> q = Random(q_size, 0.3f, 1);
      std::vector<std::vector<float>> k, v;
      for (unsigned page = 0; page < 2; ++page) {
        k.push_back(Random(static_cast<size_t>(head_dim * kPageTokens), 1.0f, 10 + page));
        v.push_back(Random(static_cast<size_t>(stride * kPageTokens), 1.0f, 20 + page));
      }
      // Query i sees keys 0 .. 5 * i + 20 of the 64, and query 0 nothing of the second page.
      std::vector<float> out(static_cast<size_t>(queries * stride), 0.0f), highest(queries, -INFINITY),
          sum(queries, 0.0f);
      const auto sees = [&](int query, int key) { return key <= 5 * query + 20; };
      for (int page = 0; page < 2; ++page) {
        std::vector<uint32_t> masks(queries, 0);
        for (int i = 0; i < queries; ++i) {
          for (int j = 0; j < kPageTokens; ++j) {
            if (sees(i, page * kPageTokens + j)) masks[static_cast<size_t>(i)] |= 1u << j;
          }
        }
        const size_t p = static_cast<size_t>(page);
        kernel->attend({q.data(), k[p].data(), v[p].data(), masks.data(), highest.data(), sum.data(),
                        out.data(), queries, head_dim});
      }
      for (int i = 0; i < queries; ++i) {
        std::vector<double> expected(static_cast<size_t>(head_dim), 0.0);
        double total = 0;
        for (int key = 0; sees(i, key) && key < 2 * kPageTokens; ++key) {
          const size_t p = static_cast<size_t>(key / kPageTokens);
          double score = 0;
          for (int d = 0; d < head_dim; ++d) {
            score += static_cast<double>(q[static_cast<size_t>(i * head_dim + d)]) *
                     static_cast<double>(k[p][static_cast<size_t>(d * kPageTokens + key % kPageTokens)]);
          }
          total += std::exp(score);
          for (int d = 0; d < head_dim; ++d) {
            expected[static_cast<size_t>(d)] +=
                std::exp(score) *
                static_cast<double>(v[p][static_cast<size_t>(key % kPageTokens * stride + d)]);
          }
        }
        for (int d = 0; d < head_dim; ++d) {
          EXPECT_NEAR(out[static_cast<size_t>(i * stride + d)] / sum[static_cast<size_t>(i)],
                      expected[static_cast<size_t>(d)] / total, 2e-6)
              << kernel->name << " head " << head_dim << " query " << i;
        }
      }
    }
  }
}

TEST(VectorKernels, Bf16RoundsToNearestEven) {
  for (const VectorKernel* kernel : Tables()) {
    std::vector<float> x = Random(1000, 1e4f, 8);
    x.insert(x.end(), {0.0f, -0.0f, 1.00390625f, 1.01171875f, INFINITY, -INFINITY, 3.4e38f, 1e-40f, NAN});
    std::vector<uint16_t> bits(x.size());
    std::vector<float> back(x.size());
    kernel->round_bf16(x.data(), static_cast<int64_t>(x.size()), bits.data());
    kernel->widen_bf16(bits.data(), static_cast<int64_t>(x.size()), back.data());
    for (size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(bits[i], FloatToBf16(x[i])) << x[i];
      if (!std::isnan(x[i])) {
        EXPECT_EQ(back[i], Bf16ToFloat(bits[i]));
      }
    }
  }
}

// Half a step of the largest magnitude; the same bits in every table.
TEST(VectorKernels, KeysAndValuesIn8Bits) {
  constexpr int kDim = 80;
  std::vector<int8_t> first_keys;
  for (const VectorKernel* kernel : Tables()) {
    for (const float magnitude : {1e-40f, 1e-30f, 0.3f, 100.0f, 1e38f}) {
      std::vector<int8_t> keys(kDim * kPageTokens), values(kDim * kPageTokens);
      std::vector<float> scales(kPageTokens), wide_keys(keys.size()), wide_values(values.size());
      std::vector<std::vector<float>> rows;
      for (int j = 0; j < kPageTokens; ++j) {
        rows.push_back(Random(kDim, magnitude, static_cast<unsigned>(j)));
        if (j == 3) std::fill(rows.back().begin(), rows.back().end(), 0.0f);
        int8_t* row = values.data() + static_cast<size_t>(j) * kDim;
        scales[static_cast<size_t>(j)] = kernel->round_i8(rows.back().data(), kDim, row);
        for (int d = 0; d < kDim; ++d) keys[static_cast<size_t>(d * kPageTokens + j)] = row[d];
      }
      kernel->widen_keys_i8(keys.data(), scales.data(), kDim, wide_keys.data());
      kernel->widen_values_i8(values.data(), scales.data(), kDim, wide_values.data());
      for (int j = 0; j < kPageTokens; ++j) {
        for (int d = 0; d < kDim; ++d) {
          const float got = wide_values[static_cast<size_t>(j * kDim + d)];
          EXPECT_EQ(got, wide_keys[static_cast<size_t>(d * kPageTokens + j)]);
          const float expected = rows[static_cast<size_t>(j)][static_cast<size_t>(d)];
          EXPECT_NEAR(got, expected, magnitude < 1e-36f ? magnitude : magnitude / 254 * 1.001f)
              << kernel->name << " " << magnitude;
        }
      }
      if (magnitude == 0.3f) {
        if (first_keys.empty()) first_keys = keys;
        EXPECT_EQ(keys, first_keys) << kernel->name;
      }
    }
    for (const float none : {NAN, INFINITY, -INFINITY}) {
      std::vector<float> x = Random(kDim, 1.0f, 9);
      x[17] = none;
      std::vector<int8_t> y(kDim);
      EXPECT_TRUE(std::isnan(kernel->round_i8(x.data(), kDim, y.data()))) << kernel->name;
    }
  }
}

}  // namespace
}  // namespace gatehouse

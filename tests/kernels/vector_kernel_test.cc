// Vector kernels of every instruction set against the formulas in double.
#include "kernels/vector/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
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

float Rounded(float x) { return Bf16ToFloat(FloatToBf16(x)); }

// Values [rows][cols] rounded and laid out so that rows 2i and 2i+1 share 32 bits; a missing row is zero.
std::vector<uint32_t> RowPairs(const std::vector<float>& x, int rows, int cols) {
  std::vector<uint32_t> out(static_cast<size_t>((rows + 1) / 2 * cols), 0);
  for (int row = 0; row < rows; ++row) {
    for (int col = 0; col < cols; ++col) {
      const uint32_t bits = FloatToBf16(x[static_cast<size_t>(row * cols + col)]);
      out[static_cast<size_t>(row / 2 * cols + col)] |= bits << (row % 2 * 16);
    }
  }
  return out;
}

// The state of `queries` queries after some pages.
struct Attended {
  std::vector<float> max, sum, out;
  Attended(int queries, int head_dim)
      : max(static_cast<size_t>(queries), -INFINITY),
        sum(static_cast<size_t>(queries), 0.0f),
        out(static_cast<size_t>(queries * ValueStride(head_dim)), 0.0f) {}
};

// Pages of keys [head_dim][kPageTokens] and values [kPageTokens][stride].
struct PairPages {
  std::vector<std::vector<float>> keys, values;
  std::vector<std::vector<uint32_t>> key_pairs, value_pairs;
  PairPages(int pages, int head_dim) {
    for (int p = 0; p < pages; ++p) {
      const int stride = ValueStride(head_dim);
      keys.push_back(
          Random(static_cast<size_t>(head_dim * kPageTokens), 1.0f, 30u + static_cast<unsigned>(p)));
      values.push_back(
          Random(static_cast<size_t>(stride * kPageTokens), 1.0f, 40u + static_cast<unsigned>(p)));
      key_pairs.push_back(RowPairs(keys.back(), head_dim, kPageTokens));
      value_pairs.push_back(RowPairs(values.back(), kPageTokens, stride));
    }
  }
};

std::vector<uint32_t> QueryPairs(const std::vector<float>& q, int queries, int head_dim) {
  const int pairs = HeadPairs(head_dim);
  std::vector<uint32_t> out(static_cast<size_t>(queries * pairs), 0);
  for (int i = 0; i < queries; ++i) {
    for (int d = 0; d < head_dim; ++d) {
      const uint32_t bits = FloatToBf16(q[static_cast<size_t>(i * head_dim + d)]);
      out[static_cast<size_t>(i * pairs + d / 2)] |= bits << (d % 2 * 16);
    }
  }
  return out;
}

// Query i sees keys 0 .. 7 * i + 3: of some pages a part, of some nothing.
uint32_t MaskOf(int query, int page) {
  const int seen = std::clamp(7 * query + 4 - page * kPageTokens, 0, kPageTokens);
  return seen == kPageTokens ? ~0u : (1u << seen) - 1u;
}

TEST(VectorKernels, AttentionInPairsEqualsSoftmax) {
  constexpr int kPages = 3, kQueries = 13;  // a whole block of queries and a part of one
  for (const VectorKernel* kernel : Tables()) {
    if (kernel->attend_pairs == nullptr) continue;
    for (const int head_dim : {1, 7, 16, 64, 88, 128}) {
      const int stride = ValueStride(head_dim);
      const std::vector<float> q = Random(static_cast<size_t>(kQueries * head_dim), 0.5f, 1);
      const std::vector<uint32_t> q_pairs = QueryPairs(q, kQueries, head_dim);
      const PairPages pages(kPages, head_dim);
      Attended got(kQueries, head_dim);
      for (int p = 0; p < kPages; ++p) {
        std::vector<uint32_t> masks;
        for (int i = 0; i < kQueries; ++i) masks.push_back(MaskOf(i, p));
        kernel->attend_pairs({q_pairs.data(), pages.key_pairs[static_cast<size_t>(p)].data(),
                              pages.value_pairs[static_cast<size_t>(p)].data(), masks.data(), got.max.data(),
                              got.sum.data(), got.out.data(), kQueries, head_dim});
      }
      for (int i = 0; i < kQueries; ++i) {
        std::vector<double> expected(static_cast<size_t>(head_dim), 0.0);
        double total = 0;
        for (int key = 0; key < std::min(7 * i + 4, kPages * kPageTokens); ++key) {
          const size_t p = static_cast<size_t>(key / kPageTokens);
          double score = 0;
          for (int d = 0; d < head_dim; ++d) {
            score += static_cast<double>(Rounded(q[static_cast<size_t>(i * head_dim + d)])) *
                     static_cast<double>(
                         Rounded(pages.keys[p][static_cast<size_t>(d * kPageTokens + key % kPageTokens)]));
          }
          total += std::exp2(score);
          for (int d = 0; d < head_dim; ++d) {
            expected[static_cast<size_t>(d)] +=
                std::exp2(score) * static_cast<double>(Rounded(
                                       pages.values[p][static_cast<size_t>(key % kPageTokens * stride + d)]));
          }
        }
        for (int d = 0; d < head_dim; ++d) {
          // Weights are rounded to 8 bits, relative: each may be off by 2^-9, and their sum too.
          EXPECT_NEAR(got.out[static_cast<size_t>(i * stride + d)] / got.sum[static_cast<size_t>(i)],
                      expected[static_cast<size_t>(d)] / total, 0.008)
              << kernel->name << " head " << head_dim << " query " << i;
        }
      }
    }
  }
}

// Neither the other queries of a call nor pages of which it sees nothing change a bit of a query's state.
TEST(VectorKernels, AttentionInPairsOfAQueryDependsOnItAlone) {
  constexpr int kPages = 3, kQueries = 13, kHead = 64, kStride = ValueStride(kHead);
  for (const VectorKernel* kernel : Tables()) {
    if (kernel->attend_pairs == nullptr) continue;
    const std::vector<uint32_t> q =
        QueryPairs(Random(static_cast<size_t>(kQueries * kHead), 0.5f, 1), kQueries, kHead);
    const PairPages pages(kPages, kHead);
    const auto attend = [&](const uint32_t* queries, int first, int count, int page, Attended& state) {
      std::vector<uint32_t> masks;
      for (int i = 0; i < count; ++i) masks.push_back(MaskOf(first + i, page));
      kernel->attend_pairs({queries, pages.key_pairs[static_cast<size_t>(page)].data(),
                            pages.value_pairs[static_cast<size_t>(page)].data(), masks.data(),
                            state.max.data(), state.sum.data(), state.out.data(), count, kHead});
    };
    Attended together(kQueries, kHead);
    for (int p = 0; p < kPages; ++p) attend(q.data(), 0, kQueries, p, together);
    for (int i = 0; i < kQueries; ++i) {
      Attended alone(1, kHead);
      for (int p = 0; p < kPages; ++p) {
        if (MaskOf(i, p) != 0) attend(q.data() + i * HeadPairs(kHead), i, 1, p, alone);
      }
      EXPECT_EQ(alone.sum[0], together.sum[static_cast<size_t>(i)]) << kernel->name << " query " << i;
      EXPECT_TRUE(std::equal(alone.out.begin(), alone.out.end(), together.out.begin() + i * kStride))
          << kernel->name << " query " << i;
    }
  }
}

TEST(VectorKernels, AttentionInPairsOfNoNumberIsNone) {
  constexpr int kHead = 32;
  for (const VectorKernel* kernel : Tables()) {
    if (kernel->attend_pairs == nullptr) continue;
    for (const float bad : {NAN, INFINITY}) {
      std::vector<float> q(kHead, 0.5f);
      q[5] = bad;
      const std::vector<uint32_t> q_pairs = QueryPairs(q, 1, kHead);
      const PairPages pages(1, kHead);
      Attended state(1, kHead);
      const uint32_t mask = ~0u;
      kernel->attend_pairs({q_pairs.data(), pages.key_pairs[0].data(), pages.value_pairs[0].data(), &mask,
                            state.max.data(), state.sum.data(), state.out.data(), 1, kHead});
      EXPECT_FALSE(std::isfinite(state.out[0] / state.sum[0])) << kernel->name;
    }
  }
}

// Entry (i, j) of the Hadamard matrix: -1 for each bit that i and j share.
double Hadamard(int64_t i, int64_t j) {
  return __builtin_parityll(static_cast<uint64_t>(i & j)) ? -1.0 : 1.0;
}

TEST(VectorKernels, TransformsBlocksByTheHadamardMatrix) {
  for (const int64_t n : {1, 2, 3, 8, 24, 32, 64, 72, 100, 128, 130, 192, 224, 576, 1160}) {
    const std::vector<float> x = Random(static_cast<size_t>(n), 3.0f, static_cast<unsigned>(n));
    std::vector<float> expected = x;
    kRefVector.hadamard(expected.data(), n);
    for (int64_t begin = 0, size = 0; begin < n; begin += size) {
      size = std::min<int64_t>(128, n - begin);
      while (size < 128 && (size & (size - 1)) != 0) size &= -size;  // the lowest bit that is set
      for (int64_t i = 0; i < size; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < size; ++j)
          sum += Hadamard(i, j) * static_cast<double>(x[static_cast<size_t>(begin + j)]);
        EXPECT_NEAR(expected[static_cast<size_t>(begin + i)], sum, 1e-4) << n << " at " << begin + i;
      }
    }
    for (const VectorKernel* kernel : Tables()) {
      std::vector<float> transformed = x;
      kernel->hadamard(transformed.data(), n);
      EXPECT_EQ(transformed, expected) << kernel->name << " " << n;  // to the bit
    }
  }
}

TEST(VectorKernels, RotatesAndScales) {
  for (const VectorKernel* kernel : Tables()) {
    for (const int64_t half : {1, 2, 3, 8, 15, 16, 31, 32, 44, 64}) {
      const std::vector<float> x = Random(static_cast<size_t>(2 * half), 3.0f, 7),
                               cos = Random(static_cast<size_t>(half), 1.0f, 8),
                               sin = Random(static_cast<size_t>(half), 1.0f, 9);
      for (const bool interleaved : {false, true}) {
        std::vector<float> rotated = x, none = x;
        kernel->rotate(rotated.data(), cos.data(), sin.data(), half, interleaved);
        kRefVector.rotate(none.data(), cos.data(), sin.data(), half, interleaved);
        EXPECT_EQ(rotated, none) << kernel->name << " half " << half;
        for (int64_t i = 0; i < half; ++i) {
          const auto first = static_cast<size_t>(interleaved ? 2 * i : i),
                     second = static_cast<size_t>(interleaved ? 2 * i + 1 : i + half),
                     at = static_cast<size_t>(i);
          const double a = x[first], b = x[second], c = cos[at], s = sin[at];
          EXPECT_NEAR(rotated[first], a * c - b * s, 1e-6) << kernel->name << " half " << half;
          EXPECT_NEAR(rotated[second], a * s + b * c, 1e-6) << kernel->name << " half " << half;
        }
      }
      std::vector<float> scaled(x.size() + 1, -1.0f);
      kernel->scale(x.data(), 0.3f, 2 * half, scaled.data());
      for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(scaled[i], x[i] * 0.3f) << kernel->name;
      EXPECT_EQ(scaled.back(), -1.0f) << "wrote behind the end";
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

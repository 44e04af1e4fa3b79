// Rounding of rows to int8: ref by its definition, the other tables to the bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "quant_tables.h"

namespace gatehouse {
namespace {

struct Rounded {
  std::vector<int8_t> values;
  std::vector<float> scales;
  std::vector<int32_t> sums;
};

Rounded RoundRows(const QuantKernel& kernel, const std::vector<float>& x, int64_t rows, int64_t k,
                  int64_t x_stride) {
  const int64_t stride = (k + 63) / 64 * 64;
  Rounded out{std::vector<int8_t>(static_cast<size_t>(rows * stride), 55),
              std::vector<float>(static_cast<size_t>(rows * QuantGroups(k))),
              std::vector<int32_t>(static_cast<size_t>(rows * QuantGroups(k)), -1)};
  kernel.round(x.data(), rows, k, x_stride, out.values.data(), stride, out.scales.data(), out.sums.data());
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = QuantPaddedK(k); i < stride; ++i)
      EXPECT_EQ(out.values[static_cast<size_t>(row * stride + i)], 55) << "wrote behind the padded row";
  }
  return out;
}

void ExpectSame(const QuantKernel& kernel, const Rounded& got, const Rounded& expected) {
  EXPECT_EQ(got.values, expected.values) << kernel.name;
  EXPECT_EQ(got.sums, expected.sums) << kernel.name;
  ASSERT_EQ(got.scales.size(), expected.scales.size());
  EXPECT_EQ(std::memcmp(got.scales.data(), expected.scales.data(), got.scales.size() * sizeof(float)), 0)
      << kernel.name;
}

std::vector<float> RandomRows(int64_t rows, int64_t x_stride, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0.0f, magnitude);
  std::vector<float> out(static_cast<size_t>(rows * x_stride));
  for (float& one : out) one = value(random);
  return out;
}

TEST(QuantRound, RefFollowsItsDefinition) {
  constexpr int64_t kRows = 3;
  for (const int64_t k : {1, 3, 8, 72, 130, 576}) {
    const int64_t x_stride = k + 5;
    const std::vector<float> x = RandomRows(kRows, x_stride, 2.0f, static_cast<unsigned>(k));
    const Rounded got = RoundRows(kRefQ8, x, kRows, k, x_stride);
    const int64_t stride = (k + 63) / 64 * 64;
    for (int64_t row = 0; row < kRows; ++row) {
      const float* from = x.data() + row * x_stride;
      for (int64_t group = 0; group < QuantGroups(k); ++group) {
        const int64_t begin = group * kQuantGroup, end = std::min(k, begin + kQuantGroup);
        const size_t at = static_cast<size_t>(row * QuantGroups(k) + group);
        float max = 0;
        for (int64_t i = begin; i < end; ++i) max = std::max(max, std::fabs(from[i]));
        EXPECT_EQ(got.scales[at], max / 127.0f);
        int32_t sum = 0;
        int largest = 0;
        for (int64_t i = begin; i < end; ++i) {
          const int q = got.values[static_cast<size_t>(row * stride + i)];
          largest = std::max(largest, std::abs(q));
          EXPECT_NEAR(q, static_cast<double>(from[i]) * 127.0 / static_cast<double>(max), 0.5 + 1e-4);
          sum += q;
        }
        EXPECT_EQ(largest, 127);
        EXPECT_EQ(got.sums[at], sum);
      }
      for (int64_t i = k; i < QuantPaddedK(k); ++i)
        EXPECT_EQ(got.values[static_cast<size_t>(row * stride + i)], 0) << "padding of K";
    }
  }
}

TEST(QuantRound, TiesGoToEven) {
  for (const QuantKernel* table : QuantTables(QuantFormat::kQ8)) {
    const std::vector<float> x = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 125.5f, 126.5f, -126.5f};
    const Rounded got = RoundRows(*table, x, 1, 10, 10);
    const std::vector<int8_t> expected = {127, 0, 2, 2, 0, -2, -2, 126, 126, -126};
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), got.values.begin())) << table->name;
    EXPECT_EQ(got.scales[0], 1.0f) << table->name;
    EXPECT_EQ(got.sums[0], 127 + 2 + 2 - 2 - 2 + 126 + 126 - 126) << table->name;
  }
}

TEST(QuantRound, TablesAgreeToTheBit) {
  for (const QuantFormat format : kQuantFormats) {
    const std::vector<const QuantKernel*> tables = QuantTables(format);
    for (int64_t k = 1; k <= 300; ++k) {
      const std::vector<float> x = RandomRows(2, k + 1, 1.0f, static_cast<unsigned>(k));
      const Rounded expected = RoundRows(*tables[0], x, 2, k, k + 1);
      for (const QuantKernel* table : tables) ExpectSame(*table, RoundRows(*table, x, 2, k, k + 1), expected);
    }
    for (const float magnitude : {1e-44f, 1e-38f, 1e-34f, 1e-30f, 1e37f}) {
      const std::vector<float> x = RandomRows(5, 1536, magnitude, 7);
      const Rounded expected = RoundRows(*tables[0], x, 5, 1536, 1536);
      for (const QuantKernel* table : tables)
        ExpectSame(*table, RoundRows(*table, x, 5, 1536, 1536), expected);
    }
  }
}

TEST(QuantRound, ZerosAndTinyRowsBecomeZero) {
  for (const QuantKernel* table : QuantTables(QuantFormat::kQ4)) {
    for (const float value : {0.0f, -0.0f, 1e-45f, -1e-38f, 1e-34f}) {
      const std::vector<float> x(200, value);
      const Rounded got = RoundRows(*table, x, 1, 200, 200);
      EXPECT_EQ(got.scales, (std::vector<float>{0.0f, 0.0f})) << table->name << " " << value;
      EXPECT_TRUE(std::all_of(got.values.begin(), got.values.begin() + 200, [](int8_t q) { return q == 0; }));
      EXPECT_EQ(got.sums, (std::vector<int32_t>{0, 0}));
    }
    const std::vector<float> x(200, std::numeric_limits<float>::max());
    const Rounded got = RoundRows(*table, x, 1, 200, 200);
    EXPECT_EQ(got.values[199], 127) << table->name;
    EXPECT_EQ(got.sums, (std::vector<int32_t>{127 * 128, 127 * 72}));
  }
}

}  // namespace
}  // namespace gatehouse

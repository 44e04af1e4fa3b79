// The one reader of each stored form, against the forms' definitions.
#include "backend/weight_view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/quant/quant.h"
#include "kernels/vector/vector.h"

namespace gatehouse {
namespace {

TensorView Over(DType type, const void* data) { return {type, {}, static_cast<const std::byte*>(data)}; }

std::vector<float> Read(const WeightView& view, int64_t first, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count * view.cols), -1.0f);
  view.ReadRows(first, count, out.data());
  return out;
}

TEST(WeightView, ReadsPlainAndComputedRows) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const WeightView plain{.rows = 3, .cols = 2, .storage = PlainRows{Over(DType::kF32, values.data())}};
  EXPECT_EQ(Read(plain, 1, 2), (std::vector<float>{3, 4, 5, 6}));
  const auto read = [](int64_t first, int64_t count, float* out) {
    for (int64_t i = 0; i < 2 * count; ++i) out[i] = static_cast<float>(first * 2 + i);
  };
  const WeightView computed{.rows = 3, .cols = 2, .storage = ComputedRows{read, {}}};
  EXPECT_EQ(Read(computed, 1, 2), (std::vector<float>{2, 3, 4, 5}));
}

TEST(WeightView, ReadsPackedPanels) {
  constexpr int64_t kRows = 70, kCols = 5;  // three panels, an odd width
  std::vector<uint16_t> bits(3 * 3 * 32 * 2, 0);
  for (int64_t n = 0; n < kRows; ++n) {
    for (int64_t k = 0; k < kCols; ++k) {  // [N/32][K/2][32][2]
      bits[static_cast<size_t>(((n / 32 * 3 + k / 2) * 32 + n % 32) * 2 + k % 2)] =
          FloatToBf16(static_cast<float>(n - 2 * k));
    }
  }
  const WeightView view{
      .rows = kRows, .cols = kCols, .storage = PackedPanels{Over(DType::kBF16, bits.data())}};
  const std::vector<float> got = Read(view, 30, 37);
  for (int64_t n = 0; n < 37; ++n) {
    for (int64_t k = 0; k < kCols; ++k)
      EXPECT_EQ(got[static_cast<size_t>(n * kCols + k)], static_cast<float>(30 + n - 2 * k));
  }
}

// 8 bits: [K/4][32][4] bytes less 128, times a scale for each 128 of K. Transformed: times Hadamard's matrix.
TEST(WeightView, ReadsRoundedPanels) {
  constexpr int64_t kRows = 40, kCols = 132;  // two panels, two groups
  const int64_t words = QuantPaddedK(kCols) / 4;
  std::vector<uint8_t> values(static_cast<size_t>(2 * words * 32 * 4));
  std::vector<float> scales(2 * 2 * 32);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(i * 37 % 251);
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = 0.25f * static_cast<float>(1 + i % 3);
  RoundedPanels stored{QuantFormat::kQ8, false, Over(DType::kU8, values.data()),
                       Over(DType::kF32, scales.data())};
  const auto defined = [&](int64_t n, int64_t k) {
    const uint8_t byte = values[static_cast<size_t>(((n / 32 * words + k / 4) * 32 + n % 32) * 4 + k % 4)];
    return (static_cast<float>(byte) - 128.0f) *
           scales[static_cast<size_t>((n / 32 * 2 + k / kQuantGroup) * 32 + n % 32)];
  };
  WeightView view{.rows = kRows, .cols = kCols, .storage = stored};
  std::vector<float> got = Read(view, 29, 9);
  for (int64_t n = 0; n < 9; ++n) {
    for (int64_t k = 0; k < kCols; ++k)
      EXPECT_EQ(got[static_cast<size_t>(n * kCols + k)], defined(29 + n, k)) << n << " " << k;
  }
  stored.transformed = true;
  view.storage = stored;
  got = Read(view, 29, 9);
  for (int64_t n = 0; n < 9; ++n) {
    std::vector<float> row;
    for (int64_t k = 0; k < kCols; ++k) row.push_back(defined(29 + n, k));
    kRefVector.hadamard(row.data(), kCols);
    for (int64_t k = 0; k < kCols; ++k)
      EXPECT_EQ(got[static_cast<size_t>(n * kCols + k)], row[static_cast<size_t>(k)]) << n << " " << k;
  }
}

}  // namespace
}  // namespace gatehouse

// Products on top of what is there: y + x w^T, in every table, from panels of its own and packed ones.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "base/cpu.h"
#include "kernels/tables.h"
#include "tensor/tensor.h"

namespace gatehouse {
namespace {

using Memory = std::unique_ptr<void, decltype(&std::free)>;
Memory Aligned(size_t bytes) { return {std::aligned_alloc(64, (bytes + 127) / 64 * 64), std::free}; }

// Values that BF16 holds, so that every table computes with the same ones.
std::vector<float> Random(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1.0f, 1.0f);
  std::vector<float> out(static_cast<size_t>(count));
  for (float& x : out) x = Bf16ToFloat(FloatToBf16(value(random)));
  return out;
}

struct Problem {
  int64_t rows, k;
  int columns;
  std::vector<float> x, w, y;  // [rows][k], [columns][k], [rows][columns]
};

Problem Make(int64_t rows, int64_t k, int columns, unsigned seed) {
  return {rows,
          k,
          columns,
          Random(rows * k, seed),
          Random(columns * k, seed + 1),
          Random(rows * columns, seed + 2)};
}

enum class How { kOver, kOnto, kPackedOnto };

// A column behind each row must stay as it was.
std::vector<float> Product(const LinearKernel& kernel, const Problem& p, How how) {
  constexpr float kGuard = 77.0f;
  const int64_t padded = (p.k + 1) / 2 * 2, y_stride = p.columns + 1;
  std::vector<uint16_t> bits;
  for (const float value : p.w) bits.push_back(FloatToBf16(value));
  const Memory panel = Aligned(static_cast<size_t>(padded * kPanel) * 4);
  if (how == How::kPackedOnto) {
    auto* packed = static_cast<uint16_t*>(panel.get());
    std::fill_n(packed, padded * kPanel, uint16_t{0});
    for (int64_t column = 0; column < p.columns; ++column) {
      for (int64_t i = 0; i < p.k; ++i)
        packed[(i / 2 * kPanel + column) * 2 + i % 2] = bits[static_cast<size_t>(column * p.k + i)];
    }
  } else {
    kernel.pack_bf16(bits.data(), p.k, p.columns, p.k, panel.get());
  }
  std::vector<uint16_t> rounded(static_cast<size_t>(p.rows * padded));
  const void* x = p.x.data();
  int64_t stride = p.k;
  if (kernel.compute == ComputeType::kBF16) {
    kernel.round(p.x.data(), p.rows, p.k, p.k, rounded.data());
    x = rounded.data();
    stride = padded;
  }
  std::vector<float> y(static_cast<size_t>(p.rows * y_stride), kGuard);
  for (int64_t row = 0; row < p.rows; ++row)
    std::copy_n(p.y.data() + row * p.columns, p.columns, y.data() + row * y_stride);
  const Memory scratch = Aligned(kernel.scratch_bytes(p.rows, p.k));
  if (how == How::kPackedOnto) {
    kernel.run_packed_onto(static_cast<const float*>(x), stride, p.rows, p.k,
                           static_cast<const uint16_t*>(panel.get()), y.data(), y_stride, p.columns,
                           scratch.get());
  } else {
    (how == How::kOnto ? kernel.run_onto : kernel.run)(x, stride, p.rows, p.k, panel.get(), y.data(),
                                                       y_stride, p.columns, scratch.get());
  }
  std::vector<float> out;
  for (int64_t row = 0; row < p.rows; ++row) {
    const float* from = y.data() + row * y_stride;
    EXPECT_EQ(from[p.columns], kGuard) << "wrote behind the columns";
    out.insert(out.end(), from, from + p.columns);
  }
  return out;
}

// Of the sum's terms, y among them, at most one rounding each.
void ExpectSums(const LinearKernel& kernel, const Problem& p, const std::vector<float>& found) {
  for (int64_t row = 0; row < p.rows; ++row) {
    for (int64_t column = 0; column < p.columns; ++column) {
      const auto at = static_cast<size_t>(row * p.columns + column);
      double sum = static_cast<double>(p.y[at]), size = std::fabs(sum);
      for (int64_t i = 0; i < p.k; ++i) {
        const double term = static_cast<double>(p.x[static_cast<size_t>(row * p.k + i)]) *
                            static_cast<double>(p.w[static_cast<size_t>(column * p.k + i)]);
        sum += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(found[at], sum, size * 6e-8 * (4.0 + 2.0 * std::sqrt(static_cast<double>(p.k))))
          << kernel.name << " rows " << p.rows << " columns " << p.columns << " k " << p.k;
    }
  }
}

TEST(LinearOnto, AddsToWhatIsThere) {
  unsigned seed = 1;
  for (const LinearKernel* kernel : LinearTables(DetectIsa())) {
    for (const int64_t rows : {1, 5, 12, 13, 27}) {
      for (const int64_t k : {1, 20, 33, 1024, 1025, 2050}) {
        for (const int columns : {kPanel, 19}) {
          const Problem p = Make(rows, k, columns, seed += 3);
          const std::vector<float> found = Product(*kernel, p, How::kOnto);
          ExpectSums(*kernel, p, found);
          EXPECT_NE(found, Product(*kernel, p, How::kOver)) << kernel->name;
          if (kernel->run_packed_onto == nullptr) continue;
          EXPECT_EQ(found, Product(*kernel, p, How::kPackedOnto))
              << kernel->name << " rows " << rows << " k " << k;
        }
      }
    }
  }
}

// Nor do its bits depend on the rows and columns beside it.
TEST(LinearOnto, ARowDoesNotDependOnItsNeighbours) {
  for (const LinearKernel* kernel : LinearTables(DetectIsa())) {
    const Problem all = Make(30, 2100, kPanel, 9);
    for (const How how : {How::kOnto, How::kPackedOnto}) {
      if (how == How::kPackedOnto && kernel->run_packed_onto == nullptr) continue;
      const std::vector<float> expected = Product(*kernel, all, how);
      for (const int64_t rows : {1, 4, 11, 12, 13, 29}) {
        Problem some = all;
        some.rows = rows;
        const std::vector<float> found = Product(*kernel, some, how);
        EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << kernel->name << " " << rows;
      }
      Problem some = all;
      some.columns = 17;
      for (int64_t row = 0; row < all.rows; ++row)
        std::copy_n(all.y.begin() + row * kPanel, some.columns, some.y.begin() + row * some.columns);
      const std::vector<float> found = Product(*kernel, some, how);
      for (int64_t row = 0; row < all.rows; ++row) {
        EXPECT_TRUE(std::equal(found.begin() + row * some.columns, found.begin() + (row + 1) * some.columns,
                               expected.begin() + row * kPanel))
            << kernel->name;
      }
    }
  }
}

}  // namespace
}  // namespace gatehouse

// Every table of linear kernels against sums in double, and the promise that a row's result does not depend
// on the rows beside it.
#include "kernels/linear/linear.h"

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

std::vector<const LinearKernel*> Tables() { return LinearTables(DetectIsa()); }

struct Aligned {
  explicit Aligned(size_t bytes) : data(std::aligned_alloc(64, (bytes + 127) / 64 * 64), std::free) {}
  std::unique_ptr<void, decltype(&std::free)> data;
};

float RoundTrip(float value) { return Bf16ToFloat(FloatToBf16(value)); }

struct Problem {
  int rows, columns;
  int64_t k;
  std::vector<float> x, w;  // [rows][k], [columns][k]
};

Problem Make(int rows, int columns, int64_t k, float magnitude, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-magnitude, magnitude);
  Problem out{rows, columns, k, {}, {}};
  for (int64_t i = 0; i < rows * k; ++i) out.x.push_back(value(random));
  for (int64_t i = 0; i < columns * k; ++i) out.w.push_back(value(random));
  return out;
}

// The weights as linear.h's packed panel, zero where there are none.
std::vector<uint16_t> PackedPanel(const Problem& p) {
  std::vector<uint16_t> packed(static_cast<size_t>((p.k + 1) / 2 * 2 * kPanel), 0);
  for (int column = 0; column < p.columns; ++column) {
    for (int64_t i = 0; i < p.k; ++i) {
      packed[static_cast<size_t>((i / 2 * kPanel + column) * 2 + i % 2)] =
          FloatToBf16(p.w[static_cast<size_t>(column * p.k + i)]);
    }
  }
  return packed;
}

// y [rows][columns], with a guard column behind each row that must stay as it was.
std::vector<float> RunKernel(const LinearKernel& kernel, const Problem& p, bool bf16_weights) {
  const int64_t padded = (p.k + 1) / 2 * 2;
  Aligned panel(static_cast<size_t>(padded * kPanel) * 4);
  if (bf16_weights) {
    std::vector<uint16_t> bits;
    for (const float value : p.w) bits.push_back(FloatToBf16(value));
    kernel.pack_bf16(bits.data(), p.k, p.columns, p.k, panel.data.get());
  } else {
    kernel.pack_f32(p.w.data(), p.k, p.columns, p.k, panel.data.get());
  }
  const void* x = p.x.data();
  int64_t stride = p.k;
  std::vector<uint16_t> rounded(static_cast<size_t>(p.rows * padded));
  if (kernel.compute == ComputeType::kBF16) {
    kernel.round(p.x.data(), p.rows, p.k, p.k, rounded.data());
    x = rounded.data();
    stride = padded;
  }
  const int64_t y_stride = p.columns + 1;
  std::vector<float> y(static_cast<size_t>(p.rows * y_stride), 77.0f);
  Aligned scratch(kernel.scratch_bytes(p.rows, p.k));
  kernel.run(x, stride, p.rows, p.k, panel.data.get(), y.data(), y_stride, p.columns, scratch.data.get());
  std::vector<float> out;
  for (int row = 0; row < p.rows; ++row) {
    EXPECT_EQ(y[static_cast<size_t>(row * y_stride + p.columns)], 77.0f) << "wrote behind the columns";
    for (int column = 0; column < p.columns; ++column)
      out.push_back(y[static_cast<size_t>(row * y_stride + column)]);
  }
  return out;
}

void ExpectClose(const LinearKernel& kernel, const Problem& p, bool bf16_weights) {
  const std::vector<float> y = RunKernel(kernel, p, bf16_weights);
  const bool bf16 = kernel.compute == ComputeType::kBF16;
  for (int row = 0; row < p.rows; ++row) {
    for (int column = 0; column < p.columns; ++column) {
      double exact = 0, size = 0;
      for (int64_t i = 0; i < p.k; ++i) {
        float a = p.x[static_cast<size_t>(row * p.k + i)], b = p.w[static_cast<size_t>(column * p.k + i)];
        if (bf16) a = RoundTrip(a);
        if (bf16 || bf16_weights) b = RoundTrip(b);
        exact += static_cast<double>(a) * static_cast<double>(b);
        size += std::fabs(static_cast<double>(a) * static_cast<double>(b));
      }
      // One rounding a step at most, each of the size of the partial sum.
      const double bound =
          size * 6e-8 * (4.0 + std::sqrt(static_cast<double>(p.k)) * 2.0) + (bf16 ? 1e-36 : 1e-44);
      ASSERT_NEAR(y[static_cast<size_t>(row * p.columns + column)], exact, bound)
          << kernel.name << " rows " << p.rows << " columns " << p.columns << " k " << p.k;
    }
  }
}

TEST(LinearKernels, EveryRemainderOfRowsColumnsAndDepth) {
  for (const LinearKernel* table : Tables()) {
    SCOPED_TRACE(table->name);
    unsigned seed = 1;
    for (int rows = 1; rows <= 26; ++rows) ExpectClose(*table, Make(rows, 32, 70, 1.0f, ++seed), false);
    for (int columns = 1; columns <= 32; ++columns) {
      ExpectClose(*table, Make(5, columns, 33, 1.0f, ++seed), true);
    }
    for (const int64_t k : {1, 2, 3, 31, 64, 1023, 1024, 1025, 2049, 5120}) {
      ExpectClose(*table, Make(3, 32, k, 1.0f, ++seed), false);
      ExpectClose(*table, Make(13, 7, k, 1.0f, ++seed), true);
    }
    ExpectClose(*table, Make(7, 32, 100, 1e18f, ++seed), false);
    ExpectClose(*table, Make(7, 32, 100, 1e-18f, ++seed), false);
  }
}

TEST(LinearKernels, ARowDoesNotDependOnItsNeighbours) {
  for (const LinearKernel* table : Tables()) {
    const Problem all = Make(40, 32, 2100, 1.0f, 9);
    const std::vector<float> expected = RunKernel(*table, all, true);
    for (int rows = 1; rows < 40; ++rows) {
      Problem some = all;
      some.rows = rows;
      some.x.resize(static_cast<size_t>(rows * all.k));
      const std::vector<float> got = RunKernel(*table, some, true);
      ASSERT_TRUE(std::equal(got.begin(), got.end(), expected.begin())) << table->name << " rows " << rows;
    }
    for (const int columns : {1, 17, 31}) {
      Problem some = all;
      some.columns = columns;
      some.w.resize(static_cast<size_t>(columns * all.k));
      const std::vector<float> got = RunKernel(*table, some, true);
      for (int row = 0; row < 40; ++row) {
        for (int column = 0; column < columns; ++column) {
          ASSERT_EQ(got[static_cast<size_t>(row * columns + column)],
                    expected[static_cast<size_t>(row * 32 + column)])
              << table->name << " columns " << columns;
        }
      }
    }
  }
}

TEST(LinearKernels, WidenedPanelsEqualPackedOnes) {
  for (const LinearKernel* table : Tables()) {
    if (table->widen_panel == nullptr) continue;
    for (const int64_t k : {1, 2, 63, 64, 129}) {
      const Problem p = Make(1, 32, k, 3.0f, static_cast<unsigned>(k));
      const int64_t padded = (k + 1) / 2 * 2;
      const std::vector<uint16_t> packed = PackedPanel(p);
      std::vector<uint16_t> bits;
      for (const float value : p.w) bits.push_back(FloatToBf16(value));
      std::vector<float> widened(static_cast<size_t>(padded * kPanel)), direct(widened);
      table->widen_panel(packed.data(), k, widened.data());
      table->pack_bf16(bits.data(), k, kPanel, k, direct.data());
      for (int64_t i = 0; i < k * kPanel; ++i)
        ASSERT_EQ(widened[static_cast<size_t>(i)], direct[static_cast<size_t>(i)]) << table->name;
    }
  }
}

TEST(LinearKernels, PackedPanelsEqualWidenedOnesToTheBit) {
  for (const LinearKernel* kernel : Tables()) {
    if (kernel->run_packed == nullptr) continue;
    for (const int64_t k : {1, 2, 7, 64, 1023, 1024, 1025, 2050}) {
      for (const int rows : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 25}) {
        const int columns = rows % 2 == 0 ? kPanel : 19;
        const Problem p = Make(rows, columns, k, 1.0f, 40u + static_cast<unsigned>(rows));
        const std::vector<uint16_t> packed = PackedPanel(p);
        const int64_t y_stride = columns + 1;
        std::vector<float> y(static_cast<size_t>(rows * y_stride), 77.0f);
        Aligned scratch(kernel->scratch_bytes(rows, k));
        kernel->run_packed(p.x.data(), k, rows, k, packed.data(), y.data(), y_stride, columns,
                           scratch.data.get());
        const std::vector<float> expected = RunKernel(*kernel, p, true);
        for (int row = 0; row < rows; ++row) {
          EXPECT_EQ(y[static_cast<size_t>(row * y_stride + columns)], 77.0f) << "wrote behind the columns";
          for (int column = 0; column < columns; ++column) {
            EXPECT_EQ(y[static_cast<size_t>(row * y_stride + column)],
                      expected[static_cast<size_t>(row * columns + column)])
                << kernel->name << " " << rows << " rows, k " << k;
          }
        }
      }
    }
  }
}

TEST(LinearKernels, PeakLoopsCountWhatTheyDo) {
  for (const LinearKernel* table : Tables()) {
    EXPECT_GT(table->peak_loop(1), 0.0);
    EXPECT_EQ(table->peak_loop(20), 20 * table->peak_loop(1)) << table->name;
  }
}

}  // namespace
}  // namespace gatehouse

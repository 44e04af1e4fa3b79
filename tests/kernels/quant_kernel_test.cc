// Every table of quantised kernels: ref against sums in double of the dequantised operands, the others
// against ref to the bit, and the promise that a row's result does not depend on the rows beside it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "quant_tables.h"

namespace gatehouse {
namespace {

// y [rows][columns], computed with a guard column behind each row and guard bytes behind the scratch.
// Columns hold `before` at first, to which the products are added if `adds`.
std::vector<float> RunTable(const QuantKernel& kernel, const QuantProblem& p, int columns, bool adds = false,
                            float before = 55.0f) {
  const int64_t y_stride = columns + 1;
  std::vector<float> y(static_cast<size_t>(p.rows * y_stride), before);
  for (int64_t row = 0; row < p.rows; ++row) y[static_cast<size_t>(row * y_stride + columns)] = 77.0f;
  const size_t scratch_bytes = kernel.scratch_bytes(p.rows, p.k);
  AlignedBytes scratch(scratch_bytes + 8);
  std::memset(scratch.As<char>(), 0x5A, scratch_bytes + 8);
  QuantRows x{p.values.data(), p.stride, p.row_scales.data(), p.sums.data()};
  AlignedBytes widened(kernel.widen == nullptr ? 0 : static_cast<size_t>(p.rows * kernel.widened_bytes(p.k)));
  if (kernel.widen != nullptr) {
    kernel.widen(x, p.rows, p.k, widened.As<char>());
    x.widened = widened.As<char>();
  }
  kernel.run(x, p.rows, p.k, {p.panel.data(), p.panel_scales.data()}, {y.data(), y_stride, columns, adds},
             scratch.As<void>());
  for (size_t i = 0; i < 8; ++i)
    EXPECT_EQ(scratch.As<char>()[scratch_bytes + i], 0x5A) << "wrote behind scratch";
  std::vector<float> out;
  for (int64_t row = 0; row < p.rows; ++row) {
    EXPECT_EQ(y[static_cast<size_t>(row * y_stride + columns)], 77.0f) << "wrote behind the columns";
    for (int c = 0; c < columns; ++c) out.push_back(y[static_cast<size_t>(row * y_stride + c)]);
  }
  return out;
}

void ExpectExact(const QuantProblem& p) {
  const std::vector<float> y = RunTable(*QuantTables(p.format, Isa::kRef).front(), p, kPanel);
  for (int64_t row = 0; row < p.rows; ++row) {
    for (int64_t c = 0; c < kPanel; ++c) {
      double exact = 0, size = 0;
      for (int64_t group = 0; group < QuantGroups(p.k); ++group) {
        int64_t sum = 0;
        for (int64_t i = group * kQuantGroup; i < std::min(p.k, (group + 1) * kQuantGroup); ++i)
          sum += p.values[static_cast<size_t>(row * p.stride + i)] * QuantWeight(p, c, i);
        const double term =
            static_cast<double>(sum) *
            static_cast<double>(p.panel_scales[static_cast<size_t>(group * kPanel + c)]) *
            static_cast<double>(p.row_scales[static_cast<size_t>(row * QuantGroups(p.k) + group)]);
        exact += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(y[static_cast<size_t>(row * kPanel + c)], exact, 1e-6 * size + 1e-44)
          << "row " << row << " column " << c << " k " << p.k;
    }
  }
}

void ExpectSameBits(const std::vector<float>& got, const std::vector<float>& expected, const char* name,
                    const QuantProblem& p) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(expected[i]) && std::isnan(got[i])) continue;
    ASSERT_EQ(std::memcmp(&got[i], &expected[i], sizeof(float)), 0)
        << name << " rows " << p.rows << " k " << p.k << " at " << i << ": " << got[i] << ", expected "
        << expected[i];
  }
}

void ExpectTablesAgree(const QuantProblem& p, int columns) {
  const std::vector<const QuantKernel*> tables = QuantTables(p.format);
  const std::vector<float> expected = RunTable(*tables[0], p, columns);
  for (const QuantKernel* table : tables)
    ExpectSameBits(RunTable(*table, p, columns), expected, table->name, p);
}

constexpr int64_t kDepths[] = {1,   3,   4,   7,   8,   9,    12,   40,   72,  127,
                               128, 130, 256, 520, 576, 1000, 1024, 1536, 5120};

TEST(QuantKernels, RefIsTheSumOfDequantisedProducts) {
  for (const QuantFormat format : kQuantFormats) {
    for (const int64_t k : kDepths) ExpectExact(MakeQuantProblem(format, 3, k, static_cast<unsigned>(k)));
  }
}

TEST(QuantKernels, TablesAgreeForEveryNumberOfRows) {
  for (const QuantFormat format : kQuantFormats) {
    for (int64_t rows = 1; rows <= 26; ++rows) {
      for (const int64_t k : {72, 1000})
        ExpectTablesAgree(MakeQuantProblem(format, rows, k, static_cast<unsigned>(rows * 7 + k)), kPanel);
    }
    ExpectTablesAgree(MakeQuantProblem(format, 100, 576, 3), kPanel);
  }
}

TEST(QuantKernels, TablesAgreeForEveryNumberOfColumns) {
  for (const QuantFormat format : kQuantFormats) {
    for (int columns = 1; columns <= kPanel; ++columns)
      ExpectTablesAgree(MakeQuantProblem(format, 5, 136, static_cast<unsigned>(columns)), columns);
  }
}

TEST(QuantKernels, TablesAgreeForEveryDepth) {
  for (const QuantFormat format : kQuantFormats) {
    for (const int64_t k : kDepths) {
      ExpectTablesAgree(MakeQuantProblem(format, 3, k, static_cast<unsigned>(k)), kPanel);
      ExpectTablesAgree(MakeQuantProblem(format, 13, k, static_cast<unsigned>(k)), 7);
    }
  }
}

TEST(QuantKernels, AddsToWhatStandsThere) {
  for (const QuantFormat format : kQuantFormats) {
    for (const QuantKernel* kernel : QuantTables(format)) {
      for (const int64_t rows : {1, 5, 12, 13, 29}) {
        for (const int columns : {kPanel, 19}) {
          const QuantProblem p = MakeQuantProblem(format, rows, 1160, static_cast<unsigned>(rows));
          const std::vector<float> plain = RunTable(*kernel, p, columns);
          const std::vector<float> added = RunTable(*kernel, p, columns, /*adds=*/true, 0.3f);
          for (size_t i = 0; i < plain.size(); ++i) ASSERT_EQ(added[i], 0.3f + plain[i]) << kernel->name;
        }
      }
    }
  }
}

TEST(QuantKernels, ExtremeOperands) {
  constexpr float kHuge = 1e30f;
  constexpr float kDenormal = 1e-41f;
  for (const QuantFormat format : kQuantFormats) {
    for (const int8_t value : {int8_t{127}, int8_t{-127}}) {
      for (const int weight : {0, 255, 240, 15}) {  // nibbles of all kinds
        for (const float scale : {1.0f, kHuge, kDenormal, 0.0f}) {
          QuantProblem p = MakeQuantProblem(format, 7, 1160, 5);
          for (int64_t row = 0; row < p.rows; ++row) {
            for (int64_t i = 0; i < p.k; ++i) p.values[static_cast<size_t>(row * p.stride + i)] = value;
          }
          p.Sum();
          std::fill(p.panel.begin(), p.panel.end(), static_cast<uint8_t>(weight));
          std::fill(p.panel_scales.begin(), p.panel_scales.end(), scale);
          ExpectTablesAgree(p, kPanel);
          if (scale == 1.0f) ExpectExact(p);
        }
      }
    }
    // Products beyond the largest float: the same infinities everywhere.
    QuantProblem p = MakeQuantProblem(format, 4, 300, 6);
    std::fill(p.panel_scales.begin(), p.panel_scales.end(), std::numeric_limits<float>::max());
    ExpectTablesAgree(p, kPanel);
  }
}

TEST(QuantKernels, ARowDoesNotDependOnItsNeighbours) {
  for (const QuantFormat format : kQuantFormats) {
    const QuantProblem all = MakeQuantProblem(format, 40, 1100, 9);
    const int64_t groups = QuantGroups(all.k);
    for (const QuantKernel* table : QuantTables(format)) {
      const std::vector<float> expected = RunTable(*table, all, kPanel);
      for (int64_t rows = 1; rows < 40; ++rows) {
        const int64_t first = 40 - rows;  // at another position, too
        QuantProblem some = all;
        some.rows = rows;
        some.values.erase(some.values.begin(), some.values.begin() + first * all.stride);
        some.row_scales.erase(some.row_scales.begin(), some.row_scales.begin() + first * groups);
        some.sums.erase(some.sums.begin(), some.sums.begin() + first * groups);
        const std::vector<float> tail(expected.begin() + first * kPanel, expected.end());
        ExpectSameBits(RunTable(*table, some, kPanel), tail, table->name, some);
      }
    }
  }
}

// Rows may lie wider apart than they must, and what lies between them counts for nothing.
TEST(QuantKernels, PaddingBetweenRowsIsNotRead) {
  for (const QuantFormat format : kQuantFormats) {
    const QuantProblem tight = MakeQuantProblem(format, 14, 584, 4);
    QuantProblem wide = tight;
    wide.stride = tight.stride + 4096;
    wide.values.assign(static_cast<size_t>(wide.rows * wide.stride), 99);
    for (int64_t row = 0; row < tight.rows; ++row) {
      std::copy_n(tight.values.begin() + row * tight.stride, QuantPaddedK(tight.k),
                  wide.values.begin() + row * wide.stride);
    }
    for (const QuantKernel* table : QuantTables(format)) {
      ExpectSameBits(RunTable(*table, wide, kPanel), RunTable(*table, tight, kPanel), table->name, tight);
    }
  }
}

TEST(QuantKernels, NamesFormatsAndPeakLoops) {
  for (const QuantFormat format : kQuantFormats) {
    for (const QuantKernel* table : QuantTables(format)) {
      EXPECT_EQ(table->format, format) << table->name;
      EXPECT_NE(std::strstr(table->name, format == QuantFormat::kQ8 ? "/q8" : "/q4"), nullptr) << table->name;
      EXPECT_GT(table->peak_loop(1), 0.0) << table->name;
      EXPECT_EQ(table->peak_loop(20), 20 * table->peak_loop(1)) << table->name;
    }
  }
}

}  // namespace
}  // namespace gatehouse

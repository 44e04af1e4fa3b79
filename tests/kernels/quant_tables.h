// What the tests of quantised kernels share: the tables of this machine, random operands, aligned memory.
#pragma once

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "base/cpu.h"
#include "kernels/quant/quant.h"
#include "kernels/tables.h"

namespace gatehouse {

constexpr QuantFormat kQuantFormats[] = {QuantFormat::kQ8, QuantFormat::kQ4};

// Every table that this binary has and this processor runs, ref first.
inline std::vector<const QuantKernel*> QuantTables(QuantFormat format) {
  return QuantTables(format, DetectIsa());
}

struct AlignedBytes {
  explicit AlignedBytes(size_t bytes) : data(std::aligned_alloc(64, (bytes + 127) / 64 * 64), std::free) {}
  template <typename T>
  T* As() const {
    return static_cast<T*>(data.get());
  }
  std::unique_ptr<void, decltype(&std::free)> data;
};

// Stored operands of one panel: any bytes are valid weights; values lie in -127 .. 127.
struct QuantProblem {
  QuantFormat format = QuantFormat::kQ8;
  int64_t rows = 0, k = 0, stride = 0;
  std::vector<int8_t> values;
  std::vector<float> row_scales;  // [rows][groups]
  std::vector<int32_t> sums;
  std::vector<uint8_t> panel;
  std::vector<float> panel_scales;

  void Sum() {
    sums.assign(static_cast<size_t>(rows * QuantGroups(k)), 0);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < k; ++i)
        sums[static_cast<size_t>(row * QuantGroups(k) + i / kQuantGroup)] +=
            values[static_cast<size_t>(row * stride + i)];
    }
  }
};

inline QuantProblem MakeQuantProblem(QuantFormat format, int64_t rows, int64_t k, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> value(-127, 127), byte(0, 255);
  std::uniform_real_distribution<float> scale(-0.1f, 0.1f);
  QuantProblem out;
  out.format = format;
  out.rows = rows;
  out.k = k;
  out.stride = (k + 63) / 64 * 64;
  out.values.assign(static_cast<size_t>(rows * out.stride), 0);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < k; ++i)
      out.values[static_cast<size_t>(row * out.stride + i)] = static_cast<int8_t>(value(random));
    for (int64_t group = 0; group < QuantGroups(k); ++group) out.row_scales.push_back(scale(random));
  }
  out.Sum();
  for (int64_t i = 0; i < QuantPanelBytes(format, k); ++i)
    out.panel.push_back(static_cast<uint8_t>(byte(random)));
  for (int64_t i = 0; i < QuantGroups(k) * kPanel; ++i) out.panel_scales.push_back(scale(random));
  return out;
}

// u - offset of output c at k, by the layout of quant.h.
inline int QuantWeight(const QuantProblem& p, int64_t c, int64_t k) {
  if (p.format == QuantFormat::kQ8)
    return p.panel[static_cast<size_t>((k / 4 * kPanel + c) * 4 + k % 4)] - 128;
  const int both = p.panel[static_cast<size_t>((k / 8 * kPanel + c) * 4 + k % 4)];
  return (k % 8 < 4 ? both & 15 : both >> 4) - 8;
}

}  // namespace gatehouse

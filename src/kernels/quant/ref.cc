// Quantised products in portable C++: the definition that the other tables are tested against.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

namespace gatehouse {
namespace {

void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, int8_t* values, int64_t stride,
           float* scales, int32_t* sums) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    int8_t* to = values + row * stride;
    for (int64_t group = 0; group < QuantGroups(k); ++group) {
      const int64_t begin = group * kQuantGroup;
      const int64_t end = k - begin < kQuantGroup ? k : begin + kQuantGroup;
      float max = 0.0f;
      for (int64_t i = begin; i < end; ++i) max = std::fabs(from[i]) > max ? std::fabs(from[i]) : max;
      const bool zero = max < kQuantTiny;
      const float inverse = zero ? 0.0f : 127.0f / max;
      scales[row * QuantGroups(k) + group] = zero ? 0.0f : max / 127.0f;
      int32_t sum = 0;
      for (int64_t i = begin; i < end; ++i) {
        to[i] = static_cast<int8_t>(RoundEven(from[i] * inverse));
        sum += to[i];
      }
      sums[row * QuantGroups(k) + group] = sum;
    }
    for (int64_t i = k; i < QuantPaddedK(k); ++i) to[i] = 0;
  }
}

// u - offset of eight neighbours of K, [8][kPanel].
template <QuantFormat format>
void Unpack(const uint8_t* step, int32_t (&w)[kQuantAlign][kPanel]) {
  for (int c = 0; c < kPanel; ++c) {
    for (int i = 0; i < 4; ++i) {
      const uint8_t first = step[c * 4 + i];
      if constexpr (format == QuantFormat::kQ8) {
        w[i][c] = first - 128;
        w[i + 4][c] = step[kPanel * 4 + c * 4 + i] - 128;
      } else {
        w[i][c] = (first & 15) - 8;
        w[i + 4][c] = (first >> 4) - 8;
      }
    }
  }
}

// All rows pass over eight values of K at a time, so that weights are unpacked once.
template <QuantFormat format>
void Run(const QuantRows& x, int64_t rows, int64_t k, const QuantPanel& panel, const QuantOut& out,
         void* scratch) {
  auto* acc = static_cast<float*>(scratch);                     // [rows][kPanel]
  auto* sum = reinterpret_cast<int32_t*>(acc + rows * kPanel);  // [rows][kPanel], of the group
  const uint8_t* step = panel.values;
  for (int64_t i = 0; i < rows * kPanel; ++i) acc[i] = 0.0f;
  for (int64_t begin = 0; begin < k; begin += kQuantGroup) {
    const int64_t left = QuantPaddedK(k) - begin;
    const int64_t end = begin + (left < kQuantGroup ? left : kQuantGroup);
    for (int64_t i = 0; i < rows * kPanel; ++i) sum[i] = 0;
    for (int64_t at = begin; at < end; at += kQuantAlign) {
      int32_t w[kQuantAlign][kPanel];
      Unpack<format>(step, w);
      step += QuantPanelBytes(format, kQuantAlign);
      for (int64_t row = 0; row < rows; ++row) {
        for (int i = 0; i < kQuantAlign; ++i) {
          const int32_t value{x.values[row * x.stride + at + i]};  // -127 .. 127
          for (int c = 0; c < kPanel; ++c) sum[row * kPanel + c] += value * w[i][c];
        }
      }
    }
    const float* scales = panel.scales + begin / kQuantGroup * kPanel;
    for (int64_t i = 0; i < rows * kPanel; ++i) {
      const float scale = scales[i % kPanel] * x.scales[i / kPanel * QuantGroups(k) + begin / kQuantGroup];
      acc[i] = std::fma(scale, static_cast<float>(sum[i]), acc[i]);
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    for (int c = 0; c < out.columns; ++c) {
      float& y = out.y[row * out.stride + c];
      y = out.adds ? y + acc[row * kPanel + c] : acc[row * kPanel + c];
    }
  }
}

size_t ScratchBytes(int64_t rows, int64_t) {
  return static_cast<size_t>(rows * kPanel) * (sizeof(float) + sizeof(int32_t));
}

double PeakLoop(int64_t iterations) {
  constexpr int kChains = 16;
  int32_t sum[kChains] = {};
  int32_t a = 3;
  for (int64_t repeat = 0; repeat < iterations; ++repeat) {
    for (int i = 0; i < kChains; ++i) sum[i] = (sum[i] + a * a) & 0xFFFF;
    __asm__ volatile("" : "+r"(a) : : "memory");  // or the compiler would sum up the loop by itself
  }
  int32_t total = 0;
  for (const int32_t one : sum) total += one;
  return total < 0 ? 0.0 : 2.0 * kChains * static_cast<double>(iterations);
}

constexpr QuantKernel kQ8Table = {"ref/q8", QuantFormat::kQ8,      Round,        nullptr,
                                  nullptr,  Run<QuantFormat::kQ8>, ScratchBytes, PeakLoop};
constexpr QuantKernel kQ4Table = {"ref/q4", QuantFormat::kQ4,      Round,        nullptr,
                                  nullptr,  Run<QuantFormat::kQ4>, ScratchBytes, PeakLoop};

}  // namespace

constinit const QuantKernel kRefQ8 = kQ8Table;
constinit const QuantKernel kRefQ4 = kQ4Table;

}  // namespace gatehouse

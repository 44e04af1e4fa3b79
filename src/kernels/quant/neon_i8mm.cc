// Quantised products with USMMLA: two columns of eight unsigned weights times two rows of eight signed
// values, as they are stored. Two stored lines, the first and the second four weights of each column, become
// such operands by interleaving words, for many rows once a block. One row alone takes USDOT, which spares
// that.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <arm_neon.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "neon-i8mm/q8";
constexpr const char* kName4 = "neon-i8mm/q4";
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 128 : 8;

template <QuantFormat>
inline uint8x16_t Ready(uint8x16_t v) {
  return v;
}
template <int lane>
inline int32x4_t Dot(int32x4_t sum, uint8x16_t weights, int8x8_t values) {
  return vusdotq_lane_s32(sum, weights, values, lane);
}

#include "kernels/quant/neon.inl"

// Rows in pairs, one of an odd number with itself: eight values of both alternately are an operand. The
// operands of even steps go where the first row of the pair has its place, those of odd steps to the second.
template <QuantFormat, int rows>
constexpr bool kWidens = rows > 1;

template <int rows>
inline void WidenRows(const int8_t* from, int64_t stride, int64_t bytes, char* to, int64_t to_stride) {
  for (int r = 0; r < rows; r += 2) {
    const int8_t* first = from + r * stride;
    const int8_t* second = r + 1 < rows ? first + stride : first;
    auto* even = reinterpret_cast<int8_t*>(to + r * to_stride);
    int8_t* odd = even + to_stride;
    int64_t i = 0;
    for (; i + 2 * kQuantAlign <= bytes; i += 2 * kQuantAlign) {
      const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(first + i));
      const int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(second + i));
      vst1q_s8(even + i, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
      vst1q_s8(odd + i, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
    }
    if (i < bytes) vst1q_s8(even + i, vcombine_s8(vld1_s8(first + i), vld1_s8(second + i)));
    __builtin_prefetch(first + kBlockGroups * kQuantGroup);
    __builtin_prefetch(second + kBlockGroups * kQuantGroup);
  }
}

// The operands of one vector of columns for eight values of K, two columns each.
struct Operands {
  Line low, high;
};
template <QuantFormat format>
inline Operands Interleave(const uint8_t* panel) {
  Line first, second;
  LoadLines<format, false>(panel, first, second);
  const uint32x4_t a = vreinterpretq_u32_u8(first), b = vreinterpretq_u32_u8(second);
  return {vreinterpretq_u8_u32(vzip1q_u32(a, b)), vreinterpretq_u8_u32(vzip2q_u32(a, b))};
}
template <QuantFormat format, bool wide>
inline Operands LoadOperands(const uint8_t* panel) {
  if constexpr (wide) return {vld1q_u8(panel), vld1q_u8(panel + kLineStride)};
  return Interleave<format>(panel);
}

#include "kernels/quant/plain_rows.inl"

// A panel taken apart: operands where lines of 8-bit weights would be.
constexpr bool kUnpacks = true;
template <QuantFormat format>
constexpr int64_t kWideFactor = format == QuantFormat::kQ8 ? 1 : 2;

template <QuantFormat format>
inline void UnpackPanel(const uint8_t* from, int64_t bytes, uint8_t* to) {
  for (int64_t step = 0; step < bytes; step += kStepStride<format, false>) {
    for (int64_t at = 0; at < kLineStride; at += 16) {
      const Operands operands = Interleave<format>(from + step + at);
      vst1q_u8(to + at, operands.low);
      vst1q_u8(to + kLineStride + at, operands.high);
    }
    to += 2 * kLineStride;
  }
}

template <QuantFormat>
constexpr double kPeakOperations = 2.0 * 8 * kLanes;
template <QuantFormat>
inline Int PeakStep(Int sum, Int a) {
  return vusmmlaq_s32(sum, vreinterpretq_u8_s32(a), vreinterpretq_s8_s32(a));
}

// One step of all pairs: acc [pairs][kTileVecs][columns 0 and 1, columns 2 and 3], in each the sums of a
// column for both rows, then of the next column.
template <QuantFormat format, bool wide, int pairs>
inline void MultiplyPairs(Int (&acc)[pairs][kTileVecs][2], const char* x, int64_t pair_bytes,
                          const uint8_t* panel) {
  Operands w[kTileVecs];
#pragma GCC unroll 4
  for (int c = 0; c < kTileVecs; ++c) w[c] = LoadOperands<format, wide>(panel + c * 16);
#pragma GCC unroll 8
  for (int p = 0; p < pairs; ++p) {
    const int8x16_t values = vld1q_s8(reinterpret_cast<const int8_t*>(x + p * pair_bytes));
#pragma GCC unroll 4
    for (int c = 0; c < kTileVecs; ++c) {
      acc[p][c][0] = vusmmlaq_s32(acc[p][c][0], w[c].low, values);
      acc[p][c][1] = vusmmlaq_s32(acc[p][c][1], w[c].high, values);
    }
  }
}

// A row's sums come in as one start for all columns.
template <QuantFormat format, bool wide, int rows>
inline void GroupSums(Int (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                      int64_t steps) {
  if constexpr (rows == 1 && wide) {
    __builtin_trap();  // panels are taken apart for kUnpackRows and more, whose tiles are about equally tall
  } else if constexpr (rows == 1) {
    SumWords<format, wide, rows>(sum, x, x_bytes, panel, steps);
  } else {
    constexpr int pairs = (rows + 1) / 2;
    Int acc[pairs][kTileVecs][2];
#pragma GCC unroll 8
    for (int p = 0; p < pairs; ++p) {
      const Int start = vzip1q_s32(sum[2 * p][0], sum[2 * p + 1 < rows ? 2 * p + 1 : 2 * p][0]);
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) acc[p][c][0] = acc[p][c][1] = start;
    }
    int64_t step = 0;
    for (; step + 2 <= steps; step += 2) {
      AskAhead<format, wide>(panel);
      MultiplyPairs<format, wide, pairs>(acc, x, 2 * x_bytes, panel);
      panel += kStepStride<format, wide>;
      AskAhead<format, wide>(panel);
      MultiplyPairs<format, wide, pairs>(acc, x + x_bytes, 2 * x_bytes, panel);
      panel += kStepStride<format, wide>;
      x += 2 * kQuantAlign;
    }
    if (step < steps) MultiplyPairs<format, wide, pairs>(acc, x, 2 * x_bytes, panel);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) {
        const Int(&both)[2] = acc[r / 2][c];
        sum[r][c] = r % 2 == 0 ? vuzp1q_s32(both[0], both[1]) : vuzp2q_s32(both[0], both[1]);
      }
    }
  }
}

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kNeonI8mmQ8 = kQ8Table;
constinit const QuantKernel kNeonI8mmQ4 = kQ4Table;

}  // namespace gatehouse

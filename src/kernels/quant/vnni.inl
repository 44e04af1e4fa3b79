// GroupSums with VPDPBUSD: four unsigned weights and four signed values to each 32-bit sum. The including
// file defines
//
//   Int Dot(Int sum, Int weights, Int values), Int LoadInt(const void*), Int SplatWord(const char*): 4 bytes
//   Int LowNibbles(Int), Int HighNibbles(Int)

template <QuantFormat, int>
constexpr bool kWidens = false;
template <bool, int>
constexpr int kVecsOf = kTileVecs;
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 128 : 8;
template <QuantFormat>
constexpr int64_t kWideFactor = 1;
template <QuantFormat>
constexpr double kPeakOperations = 2.0 * 4 * kLanes;

#include "kernels/quant/plain_rows.inl"

constexpr bool kUnpacks = false;
constexpr int64_t kBlockGroups = 4;  // a block's part of a panel (16 KB at 8 bits) stays in the first cache

template <int>
inline void WidenRows(const int8_t*, int64_t, int64_t, char*, int64_t) {}
template <QuantFormat>
inline void UnpackPanel(const uint8_t*, int64_t, uint8_t*) {}

template <QuantFormat>
inline Int PeakStep(Int sum, Int a) {
  return Dot(sum, a, a);
}

// Four values of K.
template <int rows>
inline void Word(Int (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const Int (&w)[kTileVecs]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    const Int value = SplatWord(x + r * x_bytes);
#pragma GCC unroll 4
    for (int c = 0; c < kTileVecs; ++c) sum[r][c] = Dot(sum[r][c], w[c], value);
  }
}

template <QuantFormat format, bool, int rows>
inline void GroupSums(Int (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                      int64_t steps) {
  constexpr int64_t kAhead = 2048;
  for (int64_t step = 0; step < steps; ++step) {
    Int w[kTileVecs];
#pragma GCC unroll 4
    for (int64_t line = 0; line < kQuantAlign * kPanel; line += 64) {
      if (line < (format == QuantFormat::kQ8 ? 256 : 128)) __builtin_prefetch(panel + kAhead + line);
    }
    if constexpr (format == QuantFormat::kQ8) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
#pragma GCC unroll 4
        for (int c = 0; c < kTileVecs; ++c) w[c] = LoadInt(panel + half * kPanel * 4 + c * kLanes * 4);
        Word<rows>(sum, x + half * 4, x_bytes, w);
      }
      panel += kPanel * 8;
    } else {
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) w[c] = LowNibbles(LoadInt(panel + c * kLanes * 4));
      Word<rows>(sum, x, x_bytes, w);
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) w[c] = HighNibbles(LoadInt(panel + c * kLanes * 4));
      Word<rows>(sum, x + 4, x_bytes, w);
      panel += kPanel * 4;
    }
    x += kQuantAlign;
  }
}

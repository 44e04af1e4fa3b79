// What the NEON tables share: tiles of 8 x 8 (16 integer sums of 32 registers), rounding of rows, and sums of
// a group by products with one word of a row. The including file defines
//
//   kOffset<format>     of product.inl: 0 where Ready makes 8-bit weights signed
//   Line Ready<format>(Line)                 stored bytes as Dot takes them
//   Int Dot<lane>(Int sum, Line weights, int8x8_t values)   adds four weights of each column times the values
//                                            4 lane .. 4 lane + 3

using Int = int32x4_t;
using Vec = float32x4_t;
using Line = uint8x16_t;  // four columns of four weights
constexpr int kLanes = 4;
constexpr int kTileRows = 8;
constexpr int kTileVecs = 2;
template <bool, int>
constexpr int kVecsOf = kTileVecs;
constexpr int kTallRows = kTileRows;
constexpr int kFloatRows = 4;
constexpr int64_t kBlockGroups = 4;  // a block's part of a panel (16 KB at 8 bits) stays in the first cache
constexpr int64_t kLineStride = kPanel * 4;  // from the four weights of each column to the next four

inline Vec LoadFloat(const float* at) { return vld1q_f32(at); }
inline void StoreFloat(float* at, Vec v) { vst1q_f32(at, v); }
inline Vec SplatFloat(float value) { return vdupq_n_f32(value); }
inline Int SplatInt(int32_t value) { return vdupq_n_s32(value); }
inline Vec MulAdd(Vec sum, Vec a, Vec b) { return vfmaq_f32(sum, a, b); }
inline Vec ToFloat(Int v) { return vcvtq_f32_s32(v); }
inline void Keep(Int& v) { __asm__ volatile("" : "+w"(v)); }

inline Line LowNibbles(Line v) { return vandq_u8(v, vdupq_n_u8(15)); }
inline Line HighNibbles(Line v) { return vshrq_n_u8(v, 4); }

// Four values of a row, zero from k on.
inline Vec LoadPart(const float* from, int64_t i, int64_t k) {
  if (i + kLanes <= k) return vld1q_f32(from + i);
  float part[kLanes] = {};
  for (int64_t at = i; at < k; ++at) part[at - i] = from[at];
  return vld1q_f32(part);
}

void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, int8_t* values, int64_t stride,
           float* scales, int32_t* sums) {
  const int64_t padded = QuantPaddedK(k);
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    int8_t* to = values + row * stride;
    for (int64_t begin = 0; begin < padded; begin += kQuantGroup) {
      const int64_t end = padded - begin < kQuantGroup ? padded : begin + kQuantGroup;
      Vec largest = vdupq_n_f32(0.0f);
      for (int64_t i = begin; i < end; i += kLanes)
        largest = vmaxq_f32(largest, vabsq_f32(LoadPart(from, i, k)));
      const float max = vmaxvq_f32(largest);
      const bool zero = max < kQuantTiny;
      const float inverse = zero ? 0.0f : 127.0f / max;
      *scales++ = zero ? 0.0f : max / 127.0f;
      Int sum = vdupq_n_s32(0);
      for (int64_t i = begin; i < end; i += kQuantAlign) {
        const Int low = vcvtnq_s32_f32(LoadPart(from, i, k) * inverse);
        const Int high = vcvtnq_s32_f32(LoadPart(from, i + kLanes, k) * inverse);
        sum = vaddq_s32(sum, vaddq_s32(low, high));
        vst1_s8(to + i, vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high))));
      }
      *sums++ = vaddvq_s32(sum);
    }
  }
}

// Weights far ahead: this tile's and those of the tiles beside it.
template <QuantFormat format, bool wide>
inline void AskAhead(const uint8_t* panel) {
  constexpr int64_t kAhead = 2048;
  if constexpr (wide) return;
  __builtin_prefetch(panel + kAhead);
  __builtin_prefetch(panel + kAhead + 64);
  if constexpr (format == QuantFormat::kQ4) return;
  __builtin_prefetch(panel + kAhead + 128);
  __builtin_prefetch(panel + kAhead + 192);
}

// The weights of one vector of columns for eight values of K: the first four of each, the second four.
template <QuantFormat format, bool wide>
inline void LoadLines(const uint8_t* panel, Line& first, Line& second) {
  const Line v = vld1q_u8(panel);
  if constexpr (!wide && format == QuantFormat::kQ4) {
    first = LowNibbles(v);
    second = HighNibbles(v);
  } else {
    first = v;
    second = vld1q_u8(panel + kLineStride);
    if constexpr (!wide) {
      first = Ready<format>(first);
      second = Ready<format>(second);
    }
  }
}
template <QuantFormat format, bool wide>
constexpr int64_t kStepStride = kLineStride*(!wide && format == QuantFormat::kQ4 ? 1 : 2);

// Sums of a group, a word of a row at a time.
template <QuantFormat format, bool wide, int rows>
inline void SumWords(Int (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                     int64_t steps) {
  for (int64_t step = 0; step < steps; ++step) {
    AskAhead<format, wide>(panel);
    Line first[kTileVecs], second[kTileVecs];
#pragma GCC unroll 4
    for (int c = 0; c < kTileVecs; ++c) LoadLines<format, wide>(panel + c * 16, first[c], second[c]);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const int8x8_t values = vld1_s8(reinterpret_cast<const int8_t*>(x + r * x_bytes));
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) sum[r][c] = Dot<0>(sum[r][c], first[c], values);
#pragma GCC unroll 4
      for (int c = 0; c < kTileVecs; ++c) sum[r][c] = Dot<1>(sum[r][c], second[c], values);
    }
    panel += kStepStride<format, wide>;
    x += kQuantAlign;
  }
}

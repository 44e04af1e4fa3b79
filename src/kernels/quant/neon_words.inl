// The rest of the tables that know products with one word of a row alone; included after neon.inl and
// Dot.

template <QuantFormat, int>
constexpr bool kWidens = false;
template <int>
inline void WidenRows(const int8_t*, int64_t, int64_t, char*, int64_t) {}

#include "kernels/quant/plain_rows.inl"

// A panel taken apart: lines of 8-bit weights in the layout of 8 bits, as Dot takes them.
constexpr bool kUnpacks = true;
template <QuantFormat format>
constexpr int64_t kWideFactor = format == QuantFormat::kQ8 ? 1 : 2;

template <QuantFormat format>
inline void UnpackPanel(const uint8_t* from, int64_t bytes, uint8_t* to) {
  for (int64_t step = 0; step < bytes; step += kStepStride<format, false>) {
    for (int64_t at = 0; at < kLineStride; at += 16) {
      Line first, second;
      LoadLines<format, false>(from + step + at, first, second);
      vst1q_u8(to + at, first);
      vst1q_u8(to + kLineStride + at, second);
    }
    to += 2 * kLineStride;
  }
}

template <QuantFormat>
constexpr double kPeakOperations = 2.0 * 4 * kLanes;
template <QuantFormat>
inline Int PeakStep(Int sum, Int a) {
  return Dot<0>(sum, vreinterpretq_u8_s32(a), vreinterpret_s8_s32(vget_low_s32(a)));
}

template <QuantFormat format, bool wide, int rows>
inline void GroupSums(Int (&sum)[rows][kTileVecs], const char* x, int64_t x_bytes, const uint8_t* panel,
                      int64_t steps) {
  SumWords<format, wide, rows>(sum, x, x_bytes, panel, steps);
}

#include "image/resize_rows.h"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace gatehouse {
namespace {

uint8_t RoundToLevel(int32_t sum, int precision) {
  // To the nearest level. A window's weights are rounded one by one and may add up to a little more than one.
  return static_cast<uint8_t>(std::clamp((sum + (1 << (precision - 1))) >> precision, 0, 255));
}

void ResizePixelPortable(const uint8_t* pixels, const int16_t* weights, int count, int precision,
                         uint8_t* out) {
  int32_t sums[3] = {0, 0, 0};
  for (int k = 0; k < count; ++k, pixels += 3) {
    for (int channel = 0; channel < 3; ++channel) sums[channel] += weights[k] * pixels[channel];
  }
  for (int channel = 0; channel < 3; ++channel) out[channel] = RoundToLevel(sums[channel], precision);
}

#ifdef __SSE2__
__m128i Load4(const uint8_t* bytes) {
  int32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return _mm_cvtsi32_si128(word);
}

// Two weights, repeated for each channel.
__m128i LoadPair(const int16_t* weights) {
  int32_t word;
  std::memcpy(&word, weights, sizeof word);
  return _mm_set1_epi32(word);
}

// Adds one pair of pixels, times their weights, to the sums (r, g, b, unused) of an output pixel. One byte
// behind the pair is read.
__m128i AddPair(__m128i sum, const uint8_t* pixels, __m128i pair_weights) {
  // r0 r1 g0 g1 b0 b1 and two bytes of the pixels behind, as 16 bits.
  const __m128i pair = _mm_unpacklo_epi8(Load4(pixels), Load4(pixels + 3));
  return _mm_add_epi32(sum, _mm_madd_epi16(_mm_unpacklo_epi8(pair, _mm_setzero_si128()), pair_weights));
}
#endif

}  // namespace

void ResizeRowPortable(const ResizeWeights& weights, const uint8_t* row, uint8_t* out) {
  for (const ResizeWeights::Window& window : weights.windows) {
    ResizePixelPortable(row + size_t{3} * window.first, weights.weights.data() + window.offset, window.count,
                        weights.precision, out);
    out += 3;
  }
}

void MixRowsPortable(const uint8_t* rows, size_t stride, size_t begin, const int16_t* weights, int count,
                     int precision, uint8_t* out) {
  for (size_t x = begin; x < stride; ++x) {
    int32_t sum = 0;
    for (int k = 0; k < count; ++k) sum += weights[k] * rows[stride * k + x];
    out[x] = RoundToLevel(sum, precision);
  }
}

#ifdef __SSE2__

void ResizeTwoRows(const ResizeWeights& weights, const uint8_t* const rows[2], size_t width,
                   uint8_t* const outs[2]) {
  const int precision = weights.precision;
  // As RoundToLevel: half a level first, an arithmetic shift, and packing that clamps. Integers all the way,
  // so every way of computing gives the same levels.
  const __m128i half = _mm_set1_epi32(1 << (precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(precision);
  const size_t n_out = weights.windows.size();
  for (size_t x = 0; x < n_out; ++x) {
    const ResizeWeights::Window& window = weights.windows[x];
    const int16_t* taps = weights.weights.data() + window.offset;
    const uint8_t* first = rows[0] + size_t{3} * window.first;
    const uint8_t* second = rows[1] + size_t{3} * window.first;
    // The last pixels of a row would be read with a byte behind the row, and four bytes are written for
    // three.
    const size_t end = static_cast<size_t>(window.first) + window.count + window.count % 2;
    if (end + 1 > width || x + 1 == n_out) {
      ResizePixelPortable(first, taps, window.count, precision, outs[0] + 3 * x);
      ResizePixelPortable(second, taps, window.count, precision, outs[1] + 3 * x);
      continue;
    }
    __m128i sum_first = half;
    __m128i sum_second = half;
    // An odd window has a weight of zero behind its last one.
    for (int k = 0; k < window.count; k += 2, first += 6, second += 6) {
      const __m128i pair_weights = LoadPair(taps + k);
      sum_first = AddPair(sum_first, first, pair_weights);
      sum_second = AddPair(sum_second, second, pair_weights);
    }
    // Packing to signed 16 bits cannot cut a sum that counts: beyond 0 to 255 it is clamped anyway.
    const __m128i sums = _mm_packs_epi32(_mm_sra_epi32(sum_first, shift), _mm_sra_epi32(sum_second, shift));
    const __m128i levels = _mm_packus_epi16(sums, sums);
    const int32_t word_first = _mm_cvtsi128_si32(levels);
    const int32_t word_second = _mm_cvtsi128_si32(_mm_srli_si128(levels, 4));
    std::memcpy(outs[0] + 3 * x, &word_first, sizeof word_first);
    std::memcpy(outs[1] + 3 * x, &word_second, sizeof word_second);
  }
}

void MixRows(const uint8_t* rows, size_t stride, const int16_t* weights, int count, int precision,
             uint8_t* out) {
  constexpr size_t kStep = 16;
  const __m128i zero = _mm_setzero_si128();
  const __m128i half = _mm_set1_epi32(1 << (precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(precision);
  size_t x = 0;
  for (; x + kStep <= stride; x += kStep) {
    __m128i sums[4] = {half, half, half, half};
    for (int k = 0; k < count; k += 2) {
      const uint8_t* row = rows + stride * k + x;
      const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
      // The last row of an odd count has no partner; its weight is zero.
      const uint8_t* partner = k + 1 < count ? row + stride : row;
      const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(partner));
      const __m128i pair = LoadPair(weights + k);
      const __m128i low = _mm_unpacklo_epi8(first, second);
      const __m128i high = _mm_unpackhi_epi8(first, second);
      sums[0] = _mm_add_epi32(sums[0], _mm_madd_epi16(_mm_unpacklo_epi8(low, zero), pair));
      sums[1] = _mm_add_epi32(sums[1], _mm_madd_epi16(_mm_unpackhi_epi8(low, zero), pair));
      sums[2] = _mm_add_epi32(sums[2], _mm_madd_epi16(_mm_unpacklo_epi8(high, zero), pair));
      sums[3] = _mm_add_epi32(sums[3], _mm_madd_epi16(_mm_unpackhi_epi8(high, zero), pair));
    }
    for (__m128i& sum : sums) sum = _mm_sra_epi32(sum, shift);
    const __m128i levels =
        _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), levels);
  }
  // What is left of a row that is no multiple of 16 bytes.
  MixRowsPortable(rows, stride, x, weights, count, precision, out);
}

#else

void ResizeTwoRows(const ResizeWeights& weights, const uint8_t* const rows[2], size_t,
                   uint8_t* const outs[2]) {
  for (int row = 0; row < 2; ++row) ResizeRowPortable(weights, rows[row], outs[row]);
}

void MixRows(const uint8_t* rows, size_t stride, const int16_t* weights, int count, int precision,
             uint8_t* out) {
  MixRowsPortable(rows, stride, 0, weights, count, precision, out);
}

#endif

}  // namespace gatehouse

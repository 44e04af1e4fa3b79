// Quantised products with AVX-512 VNNI: tiles of 6 x 32, whose integer and float sums share the registers (12
// + 12 of 32); up to 12 rows in all are one tile of 12 x 32 with its float sums in scratch.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

using Int = __m512i;
using Vec = __m512;
constexpr const char* kName8 = "avx512-vnni/q8";
constexpr const char* kName4 = "avx512-vnni/q4";
constexpr int kLanes = 16;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
constexpr int kTallRows = 12;
constexpr int kFloatRows = 6;

inline Vec LoadFloat(const float* at) { return _mm512_loadu_ps(at); }
inline void StoreFloat(float* at, Vec v) { _mm512_storeu_ps(at, v); }
inline Vec SplatFloat(float value) { return _mm512_set1_ps(value); }
inline Int SplatInt(int32_t value) { return _mm512_set1_epi32(value); }
inline Vec MulAdd(Vec sum, Vec a, Vec b) { return _mm512_fmadd_ps(a, b, sum); }
inline Vec ToFloat(Int v) { return _mm512_cvtepi32_ps(v); }
inline void Keep(Int& v) { __asm__ volatile("" : "+v"(v)); }

inline Int LoadInt(const void* at) { return _mm512_loadu_si512(at); }
inline Int SplatWord(const char* at) {
  int32_t word;
  __builtin_memcpy(&word, at, sizeof word);
  return _mm512_set1_epi32(word);
}
// Not the intrinsic: g++ 12 copies its sums between registers and memory (by a quarter of the speed), and
// volatile keeps the order in which few registers suffice.
inline Int Dot(Int sum, Int weights, Int values) {
  __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(values));
  return sum;
}
inline Int LowNibbles(Int v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
inline Int HighNibbles(Int v) { return LowNibbles(_mm512_srli_epi16(v, 4)); }

inline __mmask16 FirstLanes(int64_t count) {
  return count >= kLanes ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1u << count) - 1);
}

// One whole group, its values in registers all the while.
inline void RoundGroup(const float* from, int8_t* to, float* scale, int32_t* sum) {
  constexpr int kVecs = kQuantGroup / kLanes;
  Vec v[kVecs];
  for (int i = 0; i < kVecs; ++i) v[i] = LoadFloat(from + i * kLanes);
  Vec largest = _mm512_abs_ps(v[0]);
  for (int i = 1; i < kVecs; ++i) largest = _mm512_max_ps(largest, _mm512_abs_ps(v[i]));
  const float max = _mm512_reduce_max_ps(largest);
  const bool zero = max < kQuantTiny;
  const Vec inverse = SplatFloat(zero ? 0.0f : 127.0f / max);
  *scale = zero ? 0.0f : max / 127.0f;
  Int total = _mm512_setzero_si512();
  for (int i = 0; i < kVecs; ++i) {
    const Int q = _mm512_cvtps_epi32(v[i] * inverse);
    total = _mm512_add_epi32(total, q);
    // Not the store that narrows: it is many times slower.
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i * kLanes), _mm512_cvtepi32_epi8(q));
  }
  *sum = _mm512_reduce_add_epi32(total);
}

void Round(const float* x, int64_t rows, int64_t k, int64_t x_stride, int8_t* values, int64_t stride,
           float* scales, int32_t* sums) {
  const int64_t padded = QuantPaddedK(k);
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * x_stride;
    int8_t* to = values + row * stride;
    for (int64_t begin = 0; begin < padded; begin += kQuantGroup) {
      if (k - begin >= kQuantGroup) {
        RoundGroup(from + begin, to + begin, scales++, sums++);
        continue;
      }
      const int64_t end = padded - begin < kQuantGroup ? padded : begin + kQuantGroup;
      Vec largest = _mm512_setzero_ps();
      for (int64_t i = begin; i < end && i < k; i += kLanes) {
        largest = _mm512_max_ps(largest, _mm512_abs_ps(_mm512_maskz_loadu_ps(FirstLanes(k - i), from + i)));
      }
      const float max = _mm512_reduce_max_ps(largest);
      const bool zero = max < kQuantTiny;
      const Vec inverse = SplatFloat(zero ? 0.0f : 127.0f / max);
      *scales++ = zero ? 0.0f : max / 127.0f;
      Int sum = _mm512_setzero_si512();
      for (int64_t i = begin; i < end; i += kLanes) {
        const Vec v = k > i ? _mm512_maskz_loadu_ps(FirstLanes(k - i), from + i) : Vec{};
        const Int q = _mm512_cvtps_epi32(v * inverse);
        sum = _mm512_add_epi32(sum, q);
        _mm_mask_storeu_epi8(to + i, FirstLanes(end - i), _mm512_cvtepi32_epi8(q));
      }
      *sums++ = _mm512_reduce_add_epi32(sum);
    }
  }
}

#include "kernels/quant/vnni.inl"

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kAvx512VnniQ8 = kQ8Table;
constinit const QuantKernel kAvx512VnniQ4 = kQ4Table;

}  // namespace gatehouse

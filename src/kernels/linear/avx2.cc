// float32 products with AVX2 and FMA: tiles of 6 x 16 (12 accumulators of 16 registers), blocks of 8 x 8.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

using Vec = __m256;
using Bits = __m256i;
constexpr const char* kName = "avx2/f32";
constexpr int kLanes = 8;
constexpr int kTileRows = 6;
constexpr int kTileVecs = 2;
constexpr bool kPairs = false;

inline Vec Load(const void* at) { return _mm256_loadu_ps(static_cast<const float*>(at)); }
inline void Store(void* at, Vec v) { _mm256_storeu_ps(static_cast<float*>(at), v); }
inline void StoreBits(uint32_t* at, Bits v) { _mm256_storeu_si256(reinterpret_cast<Bits*>(at), v); }
inline void Keep(Vec& v) { __asm__ volatile("" : "+x"(v)); }
inline Vec Splat(const void* unit) {
  float value;
  __builtin_memcpy(&value, unit, 4);
  return _mm256_set1_ps(value);
}
inline Vec MulAdd(Vec sum, Vec x, Vec w) { return _mm256_fmadd_ps(x, w, sum); }

inline Bits UnitsOf(const float* from) { return _mm256_loadu_si256(reinterpret_cast<const Bits*>(from)); }
inline Bits UnitsOf(const uint16_t* from) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16);
}

inline void Transpose(Bits (&v)[kLanes]) {
  Bits t[kLanes], u[kLanes];
#pragma GCC unroll 8
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  // u[4 g + j], half q: column 4 q + j of the rows 4 g .. 4 g + 3.
#pragma GCC unroll 8
  for (int g = 0; g < kLanes; g += 4) {
    u[g] = _mm256_unpacklo_epi64(t[g], t[g + 2]);
    u[g + 1] = _mm256_unpackhi_epi64(t[g], t[g + 2]);
    u[g + 2] = _mm256_unpacklo_epi64(t[g + 1], t[g + 3]);
    u[g + 3] = _mm256_unpackhi_epi64(t[g + 1], t[g + 3]);
  }
#pragma GCC unroll 8
  for (int j = 0; j < 4; ++j) {
    v[j] = _mm256_permute2x128_si256(u[j], u[4 + j], 0x20);      // low halves
    v[4 + j] = _mm256_permute2x128_si256(u[j], u[4 + j], 0x31);  // high halves
  }
}

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kAvx2LinearF32 = kTable;

}  // namespace gatehouse

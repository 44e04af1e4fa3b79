// float32 products with AVX-512.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

#include "kernels/linear/avx512.inl"

constexpr const char* kName = "avx512/f32";
constexpr bool kPairs = false;

inline Vec MulAdd(Vec sum, Vec x, Vec w) { return _mm512_fmadd_ps(x, w, sum); }
inline Bits UnitsOf(const float* from) { return _mm512_loadu_si512(from); }
inline Bits UnitsOf(const uint16_t* from) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kAvx512LinearF32 = kTable;

}  // namespace gatehouse

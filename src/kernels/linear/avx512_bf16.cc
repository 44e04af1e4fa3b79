// bfloat16 products with VDPBF16PS: operands in bfloat16, sums in float32. The instruction takes denormal
// operands and results as zero and rounds to nearest even, whatever the control register says.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

#include <immintrin.h>

namespace gatehouse {
namespace {

#include "kernels/linear/avx512.inl"

constexpr const char* kName = "avx512-bf16/bf16";
constexpr bool kPairs = true;

inline Vec MulAdd(Vec sum, Vec x, Vec w) { return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w); }
inline Bits UnitsOf(const uint16_t* from) { return _mm512_loadu_si512(from); }

// 16 floats to bf16 as RoundBf16 does. VCVTNEPS2BF16 would lose denormals.
inline __m256i RoundVector(const float* from) {
  const __m512i bits = _mm512_loadu_si512(from);
  const __m512i high = _mm512_srli_epi32(bits, 16);
  const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
  const __m512i rounded =
      _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF))), 16);
  const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(0x7FFFFFFF));
  const __mmask16 nan = _mm512_cmpgt_epi32_mask(magnitude, _mm512_set1_epi32(0x7F800000));
  const __m512i quiet = _mm512_or_si512(high, _mm512_set1_epi32(0x40));
  return _mm512_cvtepi32_epi16(_mm512_mask_blend_epi32(nan, rounded, quiet));
}
inline Bits UnitsOf(const float* from) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(RoundVector(from)), RoundVector(from + kLanes), 1);
}

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kAvx512LinearBf16 = kTable;

}  // namespace gatehouse

// Vector kernels, avx2.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"

#define VECTOR_FLOATS 8
#define VECTOR_QUERIES 3
#define VECTOR_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VECTOR_SUM(v) Reduce<true>(v)
#define VECTOR_MAX(v) Reduce<false>(v)
#define VECTOR_NAME "avx2"

namespace gatehouse {
namespace {

// The sum or the largest of the lanes: upper half with lower half, then again.
template <bool sum>
inline __m128 Combine(__m128 a, __m128 b) {
  return sum ? _mm_add_ps(a, b) : _mm_max_ps(a, b);
}
template <bool sum>
inline float Reduce(__m256 v) {
  __m128 half = Combine<sum>(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = Combine<sum>(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(Combine<sum>(half, _mm_shuffle_ps(half, half, 1)));
}

#include "kernels/vector/body.inl"

#include "kernels/vector/back.inl"

}  // namespace

constinit const VectorKernel kAvx2Vector = kTable;
constinit const BackKernel kAvx2Back = kBackTable;

}  // namespace gatehouse

// Vector kernels, avx512.
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "kernels/vector.h"

#if defined(__AVX512F__)
#define VECTOR_FLOATS 16
#define VECTOR_QUERIES 8
#define VECTOR_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VECTOR_SUM(v) _mm512_reduce_add_ps(v)
#define VECTOR_MAX(v) _mm512_reduce_max_ps(v)
#define VECTOR_NAME "avx512"

namespace gatehouse {
namespace {

#include "kernels/vector_body.inl"

}  // namespace

const VectorKernel* Avx512Vector() { return &kTable; }

}  // namespace gatehouse
#else
namespace gatehouse {
const VectorKernel* Avx512Vector() { return nullptr; }
}  // namespace gatehouse
#endif

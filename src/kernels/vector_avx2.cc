// Vector kernels, avx2.
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "kernels/vector.h"

#if defined(__AVX2__)
#define VECTOR_FLOATS 8
#define VECTOR_QUERIES 3
#define VECTOR_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define VECTOR_NAME "avx2"

namespace gatehouse {
namespace {

#include "kernels/vector_body.inl"

}  // namespace

const VectorKernel* Avx2Vector() { return &kTable; }

}  // namespace gatehouse
#else
namespace gatehouse {
const VectorKernel* Avx2Vector() { return nullptr; }
}  // namespace gatehouse
#endif

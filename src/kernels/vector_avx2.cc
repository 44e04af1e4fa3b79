// Vector kernels, avx2.
#include <cstddef>
#include <cstdint>

#include "kernels/vector.h"

#if defined(__AVX2__)
#include <immintrin.h>

#define VECTOR_FLOATS 8
#define VECTOR_NAME "avx2"
#define VECTOR_MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)

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

// Vector kernels, avx512.
#include <cstddef>
#include <cstdint>

#include "kernels/vector.h"

#if defined(__AVX512F__)
#include <immintrin.h>

#define VECTOR_FLOATS 16
#define VECTOR_NAME "avx512"
#define VECTOR_MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)

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

// Vector kernels, avx512.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"

#define VECTOR_FLOATS 16
#define VECTOR_QUERIES 8
#define VECTOR_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define VECTOR_SUM(v) _mm512_reduce_add_ps(v)
#define VECTOR_MAX(v) _mm512_reduce_max_ps(v)
#define VECTOR_NAME "avx512"

namespace gatehouse {
namespace {

#include "kernels/vector/body.inl"

#include "kernels/vector/back.inl"

}  // namespace

constinit const VectorKernel kAvx512Vector = kTable;
constinit const BackKernel kAvx512Back = kBackTable;

}  // namespace gatehouse

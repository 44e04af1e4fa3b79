// Vector kernels, NEON.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"

#define VECTOR_FLOATS 4
#define VECTOR_NAME "neon"
#define VECTOR_QUERIES 3  // 24 vectors of scores, a key and a query in 32 registers
#define VECTOR_FMA(a, b, c) Vec(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b)))

namespace gatehouse {
namespace {

#include "kernels/vector/body.inl"

#include "kernels/vector/back.inl"

}  // namespace

constinit const VectorKernel kNeonVector = kTable;
constinit const BackKernel kNeonBack = kBackTable;

}  // namespace gatehouse

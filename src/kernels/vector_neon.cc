// Vector kernels, NEON.
#include <cstddef>
#include <cstdint>

#include "kernels/vector.h"

#define VECTOR_FLOATS 4
#define VECTOR_NAME "neon"
#define VECTOR_QUERIES 3  // 24 vectors of scores, a key and a query in 32 registers

namespace gatehouse {
namespace {

#include "kernels/vector_body.inl"

}  // namespace

const VectorKernel* NeonVector() { return &kTable; }

}  // namespace gatehouse

// Vector kernels, ref.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/vector/vector.h"

#define VECTOR_FLOATS 4
#define VECTOR_QUERIES 2
#define VECTOR_NAME "ref"

namespace gatehouse {
namespace {

#include "kernels/vector/body.inl"

}  // namespace

constinit const VectorKernel kRefVector = kTable;

}  // namespace gatehouse

// Vector kernels, ref.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"

#define VECTOR_FLOATS 4
#define VECTOR_QUERIES 2
#define VECTOR_NAME "ref"

namespace gatehouse {
namespace {

#include "kernels/vector/body.inl"

#include "kernels/vector/back.inl"

}  // namespace

constinit const VectorKernel kRefVector = kTable;
constinit const BackKernel kRefBack = kBackTable;

}  // namespace gatehouse

// float32 products, ref.
#include <cstddef>
#include <cstdint>

#include "kernels/linear.h"

#define LANES 4
#define TILE_ROWS 4
#define TILE_VECS 2
#define TABLE_NAME "ref/f32"
#define KEEP_IN_REGISTER(v) __asm__ volatile("" : "+m"(v))

namespace gatehouse {
namespace {

#include "kernels/linear_f32_body.inl"

}  // namespace

const LinearKernel* RefLinearF32() { return &kTable; }

}  // namespace gatehouse

// float32 products, avx2.
#include <cstddef>
#include <cstdint>

#include "kernels/linear.h"

#if defined(__AVX2__)
#define LANES 8
#define TILE_ROWS 6
#define TILE_VECS 2
#define TABLE_NAME "avx2/f32"
#define KEEP_IN_REGISTER(v) __asm__ volatile("" : "+x"(v))

namespace gatehouse {
namespace {

#include "kernels/linear_f32_body.inl"

}  // namespace

const LinearKernel* Avx2LinearF32() { return &kTable; }

}  // namespace gatehouse
#else
namespace gatehouse {
const LinearKernel* Avx2LinearF32() { return nullptr; }
}  // namespace gatehouse
#endif

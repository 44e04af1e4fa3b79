// float32 products, avx512.
#include <cstddef>
#include <cstdint>

#include "kernels/linear.h"

#if defined(__AVX512F__)
#define LANES 16
#define TILE_ROWS 12
#define TILE_VECS 2
#define TABLE_NAME "avx512/f32"
#define KEEP_IN_REGISTER(v) __asm__ volatile("" : "+v"(v))

namespace gatehouse {
namespace {

#include "kernels/linear_f32_body.inl"

}  // namespace

const LinearKernel* Avx512LinearF32() { return &kTable; }

}  // namespace gatehouse
#else
namespace gatehouse {
const LinearKernel* Avx512LinearF32() { return nullptr; }
}  // namespace gatehouse
#endif

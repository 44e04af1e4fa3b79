// float32 products with NEON's fused multiply-add, which every 64-bit ARM processor has.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

namespace gatehouse {
namespace {

#include "kernels/linear/neon.inl"

constexpr const char* kName = "neon/f32";
constexpr bool kPairs = false;

inline Vec MulAdd(Vec sum, Vec x, Vec w) { return vfmaq_f32(sum, x, w); }
inline Bits UnitsOf(const float* from) { return vreinterpretq_u32_f32(vld1q_f32(from)); }
inline Bits UnitsOf(const uint16_t* from) { return vshlq_n_u32(vmovl_u16(vld1_u16(from)), 16); }

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kNeonLinearF32 = kTable;

}  // namespace gatehouse

// bfloat16 products with BFDOT: operands in bfloat16, sums in float32. The instruction takes denormal
// operands and results as zero and rounds each of its additions to odd, whatever the control register says:
// errors up to a unit in the last place, without a drift.
#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear.h"

#include <arm_neon.h>

namespace gatehouse {
namespace {

#include "kernels/linear/neon.inl"

constexpr const char* kName = "neon-bf16/bf16";
constexpr bool kPairs = true;

inline Vec MulAdd(Vec sum, Vec x, Vec w) {
  return vbfdotq_f32(sum, vreinterpretq_bf16_f32(x), vreinterpretq_bf16_f32(w));
}
inline Bits UnitsOf(const uint16_t* from) { return vreinterpretq_u32_u16(vld1q_u16(from)); }
// 8 floats to bf16 as RoundBf16 does: to nearest even, denormals kept, NaN quiet.
inline Bits UnitsOf(const float* from) {
  const bfloat16x8_t low = vcvtq_low_bf16_f32(vld1q_f32(from));
  return vreinterpretq_u32_bf16(vcvtq_high_bf16_f32(low, vld1q_f32(from + kLanes)));
}

#include "kernels/linear/product.inl"

#include "kernels/linear/packed.inl"

#include "kernels/linear/pack.inl"

}  // namespace

constinit const LinearKernel kNeonLinearBf16 = kTable;

}  // namespace gatehouse

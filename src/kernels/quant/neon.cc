// Quantised products with what every 64-bit ARM processor has: products of 8 bits in 16, added in pairs there
// (a pair is at most 2 * 128 * 127, which fits), then in 32. Exact.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <arm_neon.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "neon/q8";
constexpr const char* kName4 = "neon/q4";

#include "kernels/quant/neon_signed.inl"

template <int lane>
inline int32x4_t Dot(int32x4_t sum, uint8x16_t weights, int8x8_t values) {
  const int8x16_t w = vreinterpretq_s8_u8(weights);
  const int8x16_t word = vreinterpretq_s8_s32(vdupq_lane_s32(vreinterpret_s32_s8(values), lane));
  const int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(word));
  const int16x8_t high = vmull_high_s8(w, word);
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#include "kernels/quant/neon.inl"

#include "kernels/quant/neon_words.inl"

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kNeonQ8 = kQ8Table;
constinit const QuantKernel kNeonQ4 = kQ4Table;

}  // namespace gatehouse

// Quantised products with SDOT: four signed weights and four signed values to each 32-bit sum.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <arm_neon.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "neon-dotprod/q8";
constexpr const char* kName4 = "neon-dotprod/q4";

#include "kernels/quant/neon_signed.inl"

template <int lane>
inline int32x4_t Dot(int32x4_t sum, uint8x16_t weights, int8x8_t values) {
  return vdotq_lane_s32(sum, vreinterpretq_s8_u8(weights), values, lane);
}

#include "kernels/quant/neon.inl"

#include "kernels/quant/neon_words.inl"

#include "kernels/quant/product.inl"

}  // namespace

constinit const QuantKernel kNeonDotprodQ8 = kQ8Table;
constinit const QuantKernel kNeonDotprodQ4 = kQ4Table;

}  // namespace gatehouse

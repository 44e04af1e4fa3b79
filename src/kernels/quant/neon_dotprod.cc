// Quantised products with SDOT: four signed weights and four signed values to each 32-bit sum. Stored weights
// are unsigned: flipping the top bit of 8-bit ones makes them signed and takes their offset off; 4-bit ones
// are signed as they are, and keep it.
#include <cstddef>
#include <cstdint>

#include "kernels/quant/quant.h"
#include "kernels/quant/round.h"

#include <arm_neon.h>

namespace gatehouse {
namespace {

constexpr const char* kName8 = "neon-dotprod/q8";
constexpr const char* kName4 = "neon-dotprod/q4";
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 0 : 8;

template <QuantFormat format>
inline uint8x16_t Ready(uint8x16_t v) {
  static_assert(format == QuantFormat::kQ8);
  return veorq_u8(v, vdupq_n_u8(128));
}

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

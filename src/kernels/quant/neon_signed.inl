// Weights for products of two signed factors (included by neon.cc and neon_dotprod.cc, in their own
// namespaces). Stored ones are unsigned: flipping the top bit of 8-bit ones makes them signed and takes their
// offset off; 4-bit ones are signed as they are, and keep it.
template <QuantFormat format>
constexpr int32_t kOffset = format == QuantFormat::kQ8 ? 0 : 8;

template <QuantFormat format>
inline uint8x16_t Ready(uint8x16_t v) {
  static_assert(format == QuantFormat::kQ8);
  return veorq_u8(v, vdupq_n_u8(128));
}

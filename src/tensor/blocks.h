// GGUF's quantised blocks, widened to float32. Layouts: ggml's documented block formats.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace gatehouse {

// `source` begins a block; count is a multiple of the block's values. False: not one of these types.
bool DequantizeBlocks32(DType dtype, const std::byte* source, int64_t count, float* out);   // of 32 values
bool DequantizeBlocks256(DType dtype, const std::byte* source, int64_t count, float* out);  // of 256 values

inline float ReadHalf(const std::byte* at) {
  return F16ToFloat(static_cast<uint16_t>(static_cast<unsigned>(at[0]) | static_cast<unsigned>(at[1]) << 8));
}

// The sixteen values of IQ4_NL and IQ4_XS, by nibble.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace gatehouse

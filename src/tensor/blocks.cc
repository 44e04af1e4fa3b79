#include "tensor/blocks.h"

#include <cstring>

#include "tensor/tensor.h"

namespace gatehouse {
namespace {

float ReadHalf(const std::byte* at) {
  uint16_t bits;
  std::memcpy(&bits, at, 2);
  return F16ToFloat(bits);
}

}  // namespace

// f16 scale, then 32 signed bytes.
void DequantizeQ8_0(const std::byte* source, int64_t count, float* out) {
  for (int64_t block = 0; block < count / 32; ++block, source += 34, out += 32) {
    const float scale = ReadHalf(source);
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(static_cast<int8_t>(source[2 + i]));
  }
}

// f16 scale, then 16 bytes: the low nibbles are values 0..15, the high nibbles 16..31, each less 8.
void DequantizeQ4_0(const std::byte* source, int64_t count, float* out) {
  for (int64_t block = 0; block < count / 32; ++block, source += 18, out += 32) {
    const float scale = ReadHalf(source);
    for (int i = 0; i < 16; ++i) {
      const int pair = static_cast<int>(source[2 + i]);
      out[i] = scale * static_cast<float>((pair & 15) - 8);
      out[i + 16] = scale * static_cast<float>((pair >> 4) - 8);
    }
  }
}

// f16 scale and f16 minimum, then nibbles as in Q4_0: value = scale * nibble + minimum.
void DequantizeQ4_1(const std::byte* source, int64_t count, float* out) {
  for (int64_t block = 0; block < count / 32; ++block, source += 20, out += 32) {
    const float scale = ReadHalf(source);
    const float minimum = ReadHalf(source + 2);
    for (int i = 0; i < 16; ++i) {
      const int pair = static_cast<int>(source[4 + i]);
      out[i] = scale * static_cast<float>(pair & 15) + minimum;
      out[i + 16] = scale * static_cast<float>(pair >> 4) + minimum;
    }
  }
}

// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales (one for 16 values), f16
// super-scale. Each half of the block (128 values) interleaves four runs of 32 values.
void DequantizeQ6_K(const std::byte* source, int64_t count, float* out) {
  for (int64_t block = 0; block < count / 256; ++block, source += 210, out += 256) {
    const float super = ReadHalf(source + 208);
    for (int half = 0; half < 2; ++half) {
      const std::byte* low = source + 64 * half;
      const std::byte* high = source + 128 + 32 * half;
      const std::byte* scales = source + 192 + 8 * half;
      for (int run = 0; run < 4; ++run) {
        for (int i = 0; i < 32; ++i) {
          const int nibbles = static_cast<int>(low[(run & 1) * 32 + i]);
          const int nibble = run < 2 ? nibbles & 15 : nibbles >> 4;
          const int bits = (static_cast<int>(high[i]) >> (2 * run)) & 3;
          const float scale = super * static_cast<float>(static_cast<int8_t>(scales[2 * run + i / 16]));
          out[128 * half + 32 * run + i] = scale * static_cast<float>((nibble | (bits << 4)) - 32);
        }
      }
    }
  }
}

}  // namespace gatehouse

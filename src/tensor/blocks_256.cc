// Blocks of 256 values: one f16 super-scale, and small scales for runs of 16 or 32 values.
#include "tensor/blocks.h"

namespace gatehouse {
namespace {

int Byte(const std::byte* bytes, int i) { return static_cast<int>(bytes[i]); }

// Value v of 256 that are pairs of bits in 64 bytes: each half of the block has 32 bytes, in which four runs
// of 32 values lie one above the other.
int BitPair(const std::byte* bytes, int v) {
  return Byte(bytes, v / 128 * 32 + v % 32) >> (v / 32 % 4 * 2) & 3;
}

// Value v of 256 nibbles in 128 bytes: runs of 32, low and high nibbles of 32 bytes alternately.
int NibbleOf64(const std::byte* bytes, int v) {
  return Byte(bytes, v / 64 * 32 + v % 32) >> (v / 32 % 2 * 4) & 15;
}

// Bit of value v in 32 bytes: run v / 32 is a bit of all of them.
int RunBit(const std::byte* bytes, int v) { return Byte(bytes, v % 32) >> (v / 32) & 1; }

// 16 bytes, the low nibble a scale and the high one a minimum of 16 values; 64 bytes of bit pairs; f16
// super-scale and f16 super-minimum.
void Q2_K(const std::byte* block, float* out) {
  const float super = ReadHalf(block + 80), super_minimum = ReadHalf(block + 82);
  for (int v = 0; v < 256; ++v) {
    const int both = Byte(block, v / 16);
    const float scale = super * static_cast<float>(both & 15);
    const float minimum = super_minimum * static_cast<float>(both >> 4);
    out[v] = scale * static_cast<float>(BitPair(block + 16, v)) - minimum;
  }
}

// 32 bytes of third bits (a zero takes 4 away), 64 bytes of bit pairs, 12 bytes of sixteen 6-bit scales, f16
// super-scale. Scale j: its low four bits are a nibble of byte j % 8, its high two bits are in byte 8 + j
// % 4.
void Q3_K(const std::byte* block, float* out) {
  const std::byte* packed = block + 96;
  const float super = ReadHalf(block + 108);
  for (int v = 0; v < 256; ++v) {
    const int j = v / 16;
    const int low = Byte(packed, j % 8) >> (j / 8 * 4) & 15,
              high = Byte(packed, 8 + j % 4) >> (j / 4 * 2) & 3;
    const float scale = super * static_cast<float>((low | high << 4) - 32);
    out[v] = scale * static_cast<float>(BitPair(block + 32, v) - (RunBit(block, v) ? 0 : 4));
  }
}

// Eight 6-bit scales and eight 6-bit minima in 12 bytes: those of the first four runs in the low bits of
// bytes 0..3 and 4..7, those of the others in the nibbles of bytes 8..11, with two high bits each from above.
void ScaleAndMinimum(const std::byte* packed, int run, int* scale, int* minimum) {
  if (run < 4) {
    *scale = Byte(packed, run) & 63;
    *minimum = Byte(packed, run + 4) & 63;
  } else {
    *scale = (Byte(packed, run + 4) & 15) | Byte(packed, run - 4) >> 6 << 4;
    *minimum = Byte(packed, run + 4) >> 4 | Byte(packed, run) >> 6 << 4;
  }
}

// f16 super-scale, f16 super-minimum, 12 bytes of scales and minima of 32 values each; then (Q5_K) 32 bytes
// of fifth bits; then 128 bytes of nibbles.
void Q45K(const std::byte* block, bool fifth, float* out) {
  const float super = ReadHalf(block), super_minimum = ReadHalf(block + 2);
  const std::byte* nibbles = block + (fifth ? 48 : 16);
  for (int run = 0; run < 8; ++run) {
    int scale_bits = 0, minimum_bits = 0;
    ScaleAndMinimum(block + 4, run, &scale_bits, &minimum_bits);
    const float scale = super * static_cast<float>(scale_bits);
    const float minimum = super_minimum * static_cast<float>(minimum_bits);
    for (int v = 32 * run; v < 32 * run + 32; ++v) {
      const int high = fifth ? RunBit(block + 16, v) << 4 : 0;
      out[v] = scale * static_cast<float>(NibbleOf64(nibbles, v) | high) - minimum;
    }
  }
}
void Q4_K(const std::byte* block, float* out) { Q45K(block, false, out); }
void Q5_K(const std::byte* block, float* out) { Q45K(block, true, out); }

// 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales (one for 16 values), f16
// super-scale. Each half of the block (128 values) interleaves four runs of 32 values.
void Q6_K(const std::byte* block, float* out) {
  const float super = ReadHalf(block + 208);
  for (int v = 0; v < 256; ++v) {
    const int nibble = Byte(block, v / 128 * 64 + v % 64) >> (v / 64 % 2 * 4) & 15;
    const int value = (nibble | BitPair(block + 128, v) << 4) - 32;
    const float scale = super * static_cast<float>(static_cast<int8_t>(block[192 + v / 16]));
    out[v] = scale * static_cast<float>(value);
  }
}

// f16 super-scale, eight 6-bit scales less 32 (two high bits each in two bytes, four low bits each in four),
// then for each 32 values 16 bytes of nibbles as in IQ4_NL.
void Iq4Xs(const std::byte* block, float* out) {
  const float super = ReadHalf(block);
  const int high_bits = Byte(block, 2) | Byte(block, 3) << 8;
  for (int run = 0; run < 8; ++run) {
    const int low = Byte(block, 4 + run / 2) >> (run % 2 * 4) & 15, high = high_bits >> (2 * run) & 3;
    const float scale = super * static_cast<float>((low | high << 4) - 32);
    for (int i = 0; i < 32; ++i) {
      const int nibble = Byte(block, 8 + 16 * run + i % 16) >> (i / 16 * 4) & 15;
      out[32 * run + i] = scale * static_cast<float>(kIq4Values[nibble]);
    }
  }
}

using Widen = void (*)(const std::byte* block, float* out);

Widen Widener256Of(DType dtype) {
  switch (dtype) {
    case DType::kQ2_K:
      return Q2_K;
    case DType::kQ3_K:
      return Q3_K;
    case DType::kQ4_K:
      return Q4_K;
    case DType::kQ5_K:
      return Q5_K;
    case DType::kQ6_K:
      return Q6_K;
    case DType::kIQ4_XS:
      return Iq4Xs;
    default:
      return nullptr;
  }
}

}  // namespace

bool DequantizeBlocks256(DType dtype, const std::byte* source, int64_t count, float* out) {
  const Widen widen = Widener256Of(dtype);
  if (widen == nullptr) return false;
  const int64_t bytes = BlockOf(dtype).bytes;
  for (int64_t block = 0; block < count / 256; ++block) widen(source + block * bytes, out + block * 256);
  return true;
}

}  // namespace gatehouse

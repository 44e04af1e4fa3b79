#include "tensor/blocks.h"

namespace gatehouse {
namespace {

// The low nibbles of 16 bytes are values 0..15, the high nibbles values 16..31.
int Nibble(const std::byte* pairs, int i) {
  const int pair = static_cast<int>(pairs[i % 16]);
  return i < 16 ? pair & 15 : pair >> 4;
}

// Bit i of four bytes, as a value's fifth bit.
int FifthBit(const std::byte* bits, int i) { return (static_cast<int>(bits[i / 8]) >> (i % 8) & 1) << 4; }

// f16 scale, then 32 signed bytes.
void Q8_0(const std::byte* block, float* out) {
  const float scale = ReadHalf(block);
  for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

// f16 scale, then nibbles, each less 8.
void Q4_0(const std::byte* block, float* out) {
  const float scale = ReadHalf(block);
  for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(Nibble(block + 2, i) - 8);
}

// f16 scale and f16 minimum, then nibbles: value = scale * nibble + minimum.
void Q4_1(const std::byte* block, float* out) {
  const float scale = ReadHalf(block), minimum = ReadHalf(block + 2);
  for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(Nibble(block + 4, i)) + minimum;
}

// f16 scale, 32 fifth bits, then nibbles; each less 16.
void Q5_0(const std::byte* block, float* out) {
  const float scale = ReadHalf(block);
  for (int i = 0; i < 32; ++i) {
    out[i] = scale * static_cast<float>((Nibble(block + 6, i) | FifthBit(block + 2, i)) - 16);
  }
}

// f16 scale and f16 minimum, 32 fifth bits, then nibbles.
void Q5_1(const std::byte* block, float* out) {
  const float scale = ReadHalf(block), minimum = ReadHalf(block + 2);
  for (int i = 0; i < 32; ++i) {
    out[i] = scale * static_cast<float>(Nibble(block + 8, i) | FifthBit(block + 4, i)) + minimum;
  }
}

// f16 scale, then nibbles that name one of sixteen values.
void Iq4Nl(const std::byte* block, float* out) {
  const float scale = ReadHalf(block);
  for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(kIq4Values[Nibble(block + 2, i)]);
}

using Widen = void (*)(const std::byte* block, float* out);

Widen WidenerOf(DType dtype) {
  switch (dtype) {
    case DType::kQ8_0:
      return Q8_0;
    case DType::kQ4_0:
      return Q4_0;
    case DType::kQ4_1:
      return Q4_1;
    case DType::kQ5_0:
      return Q5_0;
    case DType::kQ5_1:
      return Q5_1;
    case DType::kIQ4_NL:
      return Iq4Nl;
    default:
      return nullptr;
  }
}

}  // namespace

bool DequantizeBlocks32(DType dtype, const std::byte* source, int64_t count, float* out) {
  const Widen widen = WidenerOf(dtype);
  if (widen == nullptr) return false;
  const int64_t bytes = BlockOf(dtype).bytes;
  for (int64_t block = 0; block < count / 32; ++block) widen(source + block * bytes, out + block * 32);
  return true;
}

}  // namespace gatehouse

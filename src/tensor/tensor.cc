#include "tensor/tensor.h"

#include <bit>
#include <cstring>
#include <iterator>

#include "tensor/blocks.h"

namespace gatehouse {
namespace {

struct TypeRow {
  DType dtype;
  const char* name;
  BlockInfo block;
};

constexpr TypeRow kTypes[] = {
    {DType::kF32, "F32", {1, 4}},
    {DType::kF16, "F16", {1, 2}},
    {DType::kBF16, "BF16", {1, 2}},
    {DType::kF64, "F64", {1, 8}},
    {DType::kI64, "I64", {1, 8}},
    {DType::kI32, "I32", {1, 4}},
    {DType::kI16, "I16", {1, 2}},
    {DType::kI8, "I8", {1, 1}},
    {DType::kU8, "U8", {1, 1}},
    {DType::kBool, "BOOL", {1, 1}},
    {DType::kF8_E4M3, "F8_E4M3", {1, 1}},
    {DType::kQ8_0, "Q8_0", {32, 34}},
    {DType::kQ4_0, "Q4_0", {32, 18}},
    {DType::kQ4_1, "Q4_1", {32, 20}},
    {DType::kQ5_0, "Q5_0", {32, 22}},
    {DType::kQ5_1, "Q5_1", {32, 24}},
    {DType::kIQ4_NL, "IQ4_NL", {32, 18}},
    {DType::kQ2_K, "Q2_K", {256, 84}},
    {DType::kQ3_K, "Q3_K", {256, 110}},
    {DType::kQ4_K, "Q4_K", {256, 144}},
    {DType::kQ5_K, "Q5_K", {256, 176}},
    {DType::kQ6_K, "Q6_K", {256, 210}},
    {DType::kIQ4_XS, "IQ4_XS", {256, 136}},
};

const TypeRow& RowOf(DType dtype) { return kTypes[static_cast<int>(dtype)]; }

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    if (kTypes[i].dtype != static_cast<DType>(i)) return false;
  }
  return std::size(kTypes) == static_cast<size_t>(DType::kIQ4_XS) + 1;
}
static_assert(InOrder());

}  // namespace

BlockInfo BlockOf(DType dtype) { return RowOf(dtype).block; }
const char* DTypeName(DType dtype) { return RowOf(dtype).name; }

std::optional<DType> DTypeFromName(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (name == row.name) return row.dtype;
  }
  return std::nullopt;
}

std::string ShapeString(const Shape& shape) {
  std::string out = "[";
  for (size_t dim = 0; dim < shape.size(); ++dim) out += (dim ? ", " : "") + std::to_string(shape[dim]);
  return out + "]";
}

int64_t TensorView::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

int64_t TensorView::bytes() const {
  const BlockInfo block = BlockOf(dtype);
  return elements() / block.values * block.bytes;
}

bool ToFloat(const TensorView& tensor, int64_t first, int64_t count, float* out) {
  const BlockInfo block = BlockOf(tensor.dtype);
  const std::byte* source = tensor.data + first / block.values * block.bytes;
  switch (tensor.dtype) {
    case DType::kF32:
      std::memcpy(out, source, static_cast<size_t>(count) * 4);
      return true;
    case DType::kF16:
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) {
        uint16_t bits;
        std::memcpy(&bits, source + 2 * i, 2);
        out[i] = tensor.dtype == DType::kF16 ? F16ToFloat(bits) : Bf16ToFloat(bits);
      }
      return true;
    case DType::kF8_E4M3:
      for (int64_t i = 0; i < count; ++i) out[i] = F8E4M3ToFloat(static_cast<uint8_t>(source[i]));
      return true;
    case DType::kF64:
    case DType::kI64:
    case DType::kI32:
    case DType::kI16:
    case DType::kI8:
    case DType::kU8:
    case DType::kBool:
      return false;
    default:
      return block.values == 32 ? DequantizeBlocks32(tensor.dtype, source, count, out)
                                : DequantizeBlocks256(tensor.dtype, source, count, out);
  }
}

uint16_t FloatToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

float Bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float F16ToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1Fu;
  const uint32_t mantissa = bits & 0x3FFu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24 is exact
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

float F8E4M3ToFloat(uint8_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24;
  const uint32_t exponent = (bits >> 3) & 0xFu, mantissa = bits & 7u;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-9 is exact
    const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;
    return sign ? -magnitude : magnitude;
  }
  if (exponent == 15 && mantissa == 7) return std::bit_cast<float>(sign | 0x7FC00000u);
  return std::bit_cast<float>(sign | ((exponent + 120u) << 23) | (mantissa << 20));
}

uint16_t FloatToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u);
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);  // rounds past the largest half
  if (magnitude < 0x38800000u) {  // subnormal half: adding 0.5 aligns the mantissa and rounds to nearest even
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000u));
  }
  const uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u) - (112u << 23);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

}  // namespace gatehouse

// Element types, shapes and views of tensors. A view owns nothing: it points into a mapped file or a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// Plain types, and GGUF's block types (32 values a block; 256 for those of K and XS).
enum class DType {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
  kF8_E4M3,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kIQ4_NL,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_XS,
};

// Values in one block (1 for plain types) and bytes of one block.
struct BlockInfo {
  int64_t values;
  int64_t bytes;
};
BlockInfo BlockOf(DType dtype);
const char* DTypeName(DType dtype);  // "F32", "BF16", "Q8_0", ...
std::optional<DType> DTypeFromName(std::string_view name);

using Shape = std::vector<int64_t>;
std::string ShapeString(const Shape& shape);  // "[2, 3]"

// Row-major (C order) data of `shape`; the last dimension is contiguous and, for block types, in whole
// blocks.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape;
  const std::byte* data = nullptr;

  int64_t elements() const;
  int64_t bytes() const;  // of the data
};

// Widens `count` values from element index `first` of the flat tensor to float32. For block types first and
// count must be multiples of the block. Integer types and F64 are not handled (returns false).
bool ToFloat(const TensorView& tensor, int64_t first, int64_t count, float* out);

uint16_t FloatToBf16(float value);  // round to nearest even; NaN stays NaN
float Bf16ToFloat(uint16_t bits);
float F16ToFloat(uint16_t bits);
uint16_t FloatToF16(float value);  // round to nearest even
// Four bits of exponent, three of mantissa, no infinity (OCP's E4M3, PyTorch's float8_e4m3fn).
float F8E4M3ToFloat(uint8_t bits);

}  // namespace gatehouse

#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace gatehouse {
namespace {

constexpr int kTypeCount = static_cast<int>(DType::kIQ4_XS) + 1;

TEST(DType, NamesLeadBack) {
  std::set<std::string> names;
  for (int i = 0; i < kTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_TRUE(names.insert(DTypeName(dtype)).second) << DTypeName(dtype);
    EXPECT_EQ(DTypeFromName(DTypeName(dtype)), dtype);
  }
  for (const char* name : {"", "f32", "F32 ", "Q8", "F8_E5M2", "U16"})
    EXPECT_FALSE(DTypeFromName(name)) << name;
}

// Plain types by the bits in their names, blocks by ggml's formats: so many bits a value and what scales a
// block.
TEST(DType, Sizes) {
  const std::pair<DType, int> plain[] = {{DType::kF64, 8},  {DType::kI64, 8},    {DType::kF32, 4},
                                         {DType::kI32, 4},  {DType::kF16, 2},    {DType::kBF16, 2},
                                         {DType::kI16, 2},  {DType::kI8, 1},     {DType::kU8, 1},
                                         {DType::kBool, 1}, {DType::kF8_E4M3, 1}};
  for (const auto& [dtype, bytes] : plain) {
    EXPECT_EQ(BlockOf(dtype).values, 1) << DTypeName(dtype);
    EXPECT_EQ(BlockOf(dtype).bytes, bytes) << DTypeName(dtype);
  }
  EXPECT_EQ(BlockOf(DType::kQ8_0).bytes, 2 + 32);
  EXPECT_EQ(BlockOf(DType::kQ4_1).bytes, 2 + 2 + 32 * 4 / 8);
  EXPECT_EQ(BlockOf(DType::kQ5_0).bytes, 2 + 32 * 5 / 8);
  EXPECT_EQ(BlockOf(DType::kQ6_K).bytes, 2 + 16 + 256 * 6 / 8);
  EXPECT_EQ(BlockOf(DType::kQ4_K).bytes, 2 + 2 + 12 + 256 * 4 / 8);
}

TEST(TensorView, ElementsAndBytes) {
  EXPECT_EQ((TensorView{DType::kF32, {}, nullptr}.elements()), 1);  // a scalar
  EXPECT_EQ((TensorView{DType::kBF16, {3, 0, 2}, nullptr}.bytes()), 0);
  EXPECT_EQ((TensorView{DType::kBF16, {3, 5}, nullptr}.bytes()), 30);
  EXPECT_EQ((TensorView{DType::kQ4_0, {3, 64}, nullptr}.bytes()), 3 * 2 * 18);
  EXPECT_EQ((TensorView{DType::kU8, {1 << 20, 1 << 20}, nullptr}.bytes()), int64_t{1} << 40);
  EXPECT_EQ(ShapeString({}), "[]");
  EXPECT_EQ(ShapeString({2, 0, 3}), "[2, 0, 3]");
}

TEST(ToFloat, PlainTypesFromAnyPlace) {
  // 1.5, -2, 0.25 and 3 in each type, at an odd address: files promise no alignment.
  const float expected[] = {1.5f, -2.0f, 0.25f, 3.0f};
  const uint16_t half[] = {0x3E00, 0xC000, 0x3400, 0x4200}, bf16[] = {0x3FC0, 0xC000, 0x3E80, 0x4040};
  const uint8_t f8[] = {0x3C, 0xC0, 0x28, 0x44};
  const std::tuple<DType, const void*, size_t> cases[] = {
      {DType::kF32, expected, 4}, {DType::kF16, half, 2}, {DType::kBF16, bf16, 2}, {DType::kF8_E4M3, f8, 1}};
  for (const auto& [dtype, source, size] : cases) {
    std::vector<std::byte> bytes(1 + 4 * size);
    std::memcpy(bytes.data() + 1, source, 4 * size);
    const TensorView tensor{dtype, {2, 2}, bytes.data() + 1};
    for (int64_t first = 0; first < 4; ++first) {
      for (int64_t count = 0; first + count <= 4; ++count) {
        float out[5] = {9, 9, 9, 9, 9};
        ASSERT_TRUE(ToFloat(tensor, first, count, out));
        for (int64_t i = 0; i < 5; ++i)
          EXPECT_EQ(out[i], i < count ? expected[first + i] : 9) << DTypeName(dtype);
      }
    }
  }
}

TEST(ToFloat, NumbersThatNoWeightIsMadeOfAreRefused) {
  const std::byte bytes[64] = {};
  for (const DType dtype :
       {DType::kF64, DType::kI64, DType::kI32, DType::kI16, DType::kI8, DType::kU8, DType::kBool}) {
    float out = 9;
    EXPECT_FALSE(ToFloat({dtype, {1}, bytes}, 0, 1, &out)) << DTypeName(dtype);
    EXPECT_EQ(out, 9);
  }
}

}  // namespace
}  // namespace gatehouse

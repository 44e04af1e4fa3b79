#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "formats/gguf.h"
#include "formats/safetensors.h"
#include "support/gguf_maker.h"
#include "tensor/tensor.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// The bits that the `gguf` package computes (make_block_fixtures.py).
TEST(Blocks, WidenAsGgufDoes) {
  const auto file = SafetensorsFile::Open(std::string(GATEHOUSE_SOURCE_DIR) +
                                          "/tests/formats/fixtures/gguf_blocks.safetensors");
  ASSERT_TRUE(file.ok()) << file.error().Message();
  int types = 0;
  for (const auto& [name, blocks] : file->tensors()) {
    if (!name.ends_with(".blocks")) continue;
    const std::string type = name.substr(0, name.size() - 7);
    const auto dtype = DTypeFromName(type);
    ASSERT_TRUE(dtype.has_value()) << type;
    const TensorView* values = file->Find(type + ".values");
    ASSERT_NE(values, nullptr);
    ASSERT_EQ(BlockOf(*dtype).bytes, blocks.shape[1]) << type;
    ASSERT_EQ(BlockOf(*dtype).values, values->shape[1]) << type;
    std::vector<float> out(static_cast<size_t>(values->elements()), -1.0f);
    const TensorView stored{*dtype, values->shape, blocks.data};
    ASSERT_TRUE(ToFloat(stored, 0, stored.elements(), out.data())) << type;
    EXPECT_EQ(std::memcmp(out.data(), values->data, out.size() * 4), 0) << type;
    // A block in the middle.
    ASSERT_TRUE(ToFloat(stored, BlockOf(*dtype).values, BlockOf(*dtype).values, out.data()));
    EXPECT_EQ(std::memcmp(out.data(), values->data + BlockOf(*dtype).values * 4,
                          static_cast<size_t>(BlockOf(*dtype).values) * 4),
              0)
        << type;
    ++types;
  }
  EXPECT_EQ(types, 12);
}

TEST(Blocks, TypesThatAreNotReadAreNamed) {
  const auto message = [](uint32_t type) {
    const std::string bytes = test::GgufMaker().Tensor("t", type, {256}, std::string(256, 'x')).Bytes();
    const auto file = GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "f.gguf");
    return file.ok() ? std::string("no error") : file.error().Message();
  };
  // Numbers and names of ggml's enumeration.
  EXPECT_THAT(message(16), HasSubstr("IQ2_XXS"));
  EXPECT_THAT(message(34), HasSubstr("TQ1_0"));
  EXPECT_THAT(message(39), HasSubstr("MXFP4"));
  EXPECT_THAT(message(15), HasSubstr("Q8_K"));
  EXPECT_THAT(message(36), HasSubstr("type 36"));
  EXPECT_THAT(message(4000000000u), HasSubstr("type 4000000000"));
}

// OCP's definition: sign, four bits of exponent with bias 7, three of mantissa; all ones is no number.
TEST(Float8, EveryBitPattern) {
  for (int bits = 0; bits < 256; ++bits) {
    const int exponent = bits >> 3 & 15, mantissa = bits & 7;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
    const float value = F8E4M3ToFloat(static_cast<uint8_t>(bits));
    if ((bits & 127) == 127) {
      EXPECT_TRUE(std::isnan(value));
    } else {
      EXPECT_EQ(value, bits & 128 ? -magnitude : magnitude) << bits;
      EXPECT_EQ(std::signbit(value), (bits & 128) != 0) << bits;
    }
  }
  EXPECT_EQ(F8E4M3ToFloat(0x7E), 448.0f);  // the largest
}

}  // namespace
}  // namespace gatehouse

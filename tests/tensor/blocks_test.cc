#include "tensor/blocks.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/safetensors.h"

namespace gatehouse {
namespace {

// The bits that the `gguf` package computes (make_block_fixtures.py).
TEST(Blocks, WidenAsGgufDoes) {
  const auto file = SafetensorsFile::Open(std::string(GATEHOUSE_SOURCE_DIR) +
                                          "/tests/tensor/fixtures/gguf_blocks.safetensors");
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

}  // namespace
}  // namespace gatehouse

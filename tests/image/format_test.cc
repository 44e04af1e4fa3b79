// Every kind of file in fixtures/ (see make_fixtures.py) gives the RGB bytes that Pillow gives.
#include <gtest/gtest.h>

#include "image/image.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

using image_test::AsText;
using image_test::FixturePath;
using image_test::ReadAll;
using image_test::Sha256Hex;

nlohmann::json Expected() { return nlohmann::json::parse(ReadAll(FixturePath("expected.json"))); }

// Decodes every image of `table` and compares size and sha256.
void CompareAll(const nlohmann::json& table, const DecodeOptions& options) {
  ASSERT_FALSE(table.empty());
  for (const auto& [name, expected] : table.items()) {
    SCOPED_TRACE(name);
    const Result<RgbImage> image = DecodeImage(ReadAll(FixturePath(name)), name, options);
    if (!image.ok()) {
      ADD_FAILURE() << image.error().Message();
      continue;
    }
    EXPECT_EQ(image->width, expected[0].get<int>());
    EXPECT_EQ(image->height, expected[1].get<int>());
    EXPECT_EQ(Sha256Hex(AsText(image->rgb)), expected[2].get<std::string>());
  }
}

TEST(FormatTest, PixelsAsPillow) { CompareAll(Expected()["rgb"], {}); }

TEST(FormatTest, WithoutExifPixelsAsStored) {
  DecodeOptions options;
  options.apply_exif = false;
  CompareAll(Expected()["without_exif"], options);
}

TEST(FormatTest, AlphaOnWhiteAsPillow) {
  const nlohmann::json table = Expected();
  DecodeOptions options;
  options.alpha = AlphaMode::kWhite;
  for (const auto& [name, expected] : table["on_white"].items()) {
    SCOPED_TRACE(name);
    const Result<RgbImage> image = DecodeImage(ReadAll(FixturePath(name)), name, options);
    ASSERT_TRUE(image.ok()) << image.error().Message();
    EXPECT_EQ(Sha256Hex(AsText(image->rgb)), expected.get<std::string>());
  }
}

TEST(FormatTest, TheNameDecidesNothing) {
  const std::string bytes = ReadAll(FixturePath("lossless.webp"));
  const Result<RgbImage> right = DecodeImage(bytes, "a.webp", {});
  const Result<RgbImage> wrong = DecodeImage(bytes, "a.jpg", {});
  ASSERT_TRUE(right.ok() && wrong.ok());
  EXPECT_EQ(right->rgb, wrong->rgb);
}

}  // namespace
}  // namespace gatehouse

// The eleven images of the golden set: decoded bytes, grid, every level of every tile, and normalised values.
#include <gtest/gtest.h>

#include "image/image.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

using image_test::AsText;
using image_test::GoldenPath;
using image_test::ReadAll;
using image_test::Sha256Hex;

class GoldenImageTest : public ::testing::TestWithParam<const char*> {};

nlohmann::json LoadTable() {
  return nlohmann::json::parse(ReadAll(GoldenPath("images.json")), nullptr, false);
}

TEST_P(GoldenImageTest, PixelsGridAndTilesAreTheReferences) {
  const nlohmann::json table = LoadTable();
  if (table.is_discarded()) GTEST_SKIP() << "tests/golden/images.json is not there";
  const std::string name = GetParam();
  // The images are compared as they are stored: the reference was given decoded pixels.
  const Result<RgbImage> image = DecodeImage(ReadAll(GoldenPath("images/" + name)), name, {});
  ASSERT_TRUE(image.ok()) << image.error().Message();
  EXPECT_EQ(Sha256Hex(AsText(image->rgb)), table["decoded_rgb_sha256"][name].get<std::string>());

  const Result<TileSet> tiles = MakeTiles(*image, {});
  ASSERT_TRUE(tiles.ok()) << tiles.error().Message();
  const auto grid = table["grid_rows_cols"][name].get<std::vector<int>>();
  EXPECT_EQ((std::vector<int>{tiles->rows, tiles->cols}), grid);

  const Result<RgbImage> expected = DecodeImage(ReadAll(GoldenPath("tiles/" + name + ".png")), name, {});
  ASSERT_TRUE(expected.ok()) << expected.error().Message();
  ASSERT_EQ(expected->width, tiles->tile);
  ASSERT_EQ(expected->height, tiles->tile * tiles->tiles);
  ASSERT_EQ(expected->rgb.size(), tiles->levels.size());
  const size_t plane = static_cast<size_t>(tiles->tile) * tiles->tile;
  size_t different = 0;
  for (size_t at = 0; at < expected->rgb.size(); ++at) {
    const size_t pixel = at / 3;
    const size_t level_at = (pixel / plane * 3 + at % 3) * plane + pixel % plane;
    different += tiles->levels[level_at] != expected->rgb[at];
  }
  EXPECT_EQ(different, 0u);
}

INSTANTIATE_TEST_SUITE_P(Images, GoldenImageTest,
                         ::testing::Values("big.jpg", "dot.png", "gray.jpg", "odd.webp", "palette.png",
                                           "photo.jpg", "small.png", "square.jpg", "strip.png", "tile.webp",
                                           "wide.png"));

TEST(NormaliseTest, EveryLevelHasTheReferencesValue) {
  const nlohmann::json table = LoadTable();
  if (table.is_discarded()) GTEST_SKIP() << "tests/golden/images.json is not there";
  TileSet tiles;
  for (int level = 0; level < 256; ++level) tiles.levels.push_back(static_cast<uint8_t>(level));
  std::vector<float> values(256);
  NormaliseTiles(tiles, values);
  EXPECT_EQ(values, table["normalised_of_level"].get<std::vector<float>>());
}

}  // namespace
}  // namespace gatehouse

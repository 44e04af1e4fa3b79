// Every kind of file in fixtures/ (see make_fixtures.py) gives the RGB bytes that Pillow gives.
#include <gtest/gtest.h>

#include "image/image.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

using image_test::AsText;
using image_test::DecodeAll;
using image_test::FixturePath;
using image_test::ReadAll;
using image_test::Sha256Hex;

nlohmann::json Expected() { return nlohmann::json::parse(ReadAll(FixturePath("expected.json"))); }

// Decodes every image of `table` (of animations the first frame) and compares size and sha256.
void CompareAll(const nlohmann::json& table, const DecodeOptions& options) {
  ASSERT_FALSE(table.empty());
  for (const auto& [name, expected] : table.items()) {
    SCOPED_TRACE(name);
    const auto frames = DecodeAll(ReadAll(FixturePath(name)), options, 1);
    if (!frames.ok()) {
      ADD_FAILURE() << frames.error().Message();
      continue;
    }
    const RgbImage* image = &frames->shown.front();
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
    const auto frames = DecodeAll(ReadAll(FixturePath(name)), options, 1);
    ASSERT_TRUE(frames.ok()) << frames.error().Message();
    EXPECT_EQ(Sha256Hex(AsText(frames->shown.front().rgb)), expected.get<std::string>());
  }
}

// What a warning of libjpeg stands for, and how it ends. The pixels of the files that are shown are Pillow's
// (PixelsAsPillow).
TEST(FormatTest, JpegFaultsThatLosePixelsAreErrors) {
  const std::string restarts = ReadAll(FixturePath("restart.jpg"));
  const size_t first = restarts.find("\xff\xd0"), second = restarts.find("\xff\xd1");
  ASSERT_NE(second, std::string::npos);
  const auto found_in = [](const std::string& bytes) {
    const Result<RgbImage> image = DecodeImage(bytes, "x", {});
    return image.ok() ? "shown" : image.error().found;
  };
  // Numbers one or two off: libjpeg skips a piece, or shows it in another's place.
  for (const int off : {1, 2, 6, 7}) {
    std::string bytes = restarts;
    bytes[first + 1] = static_cast<char>(0xd0 + off);
    EXPECT_NE(found_in(bytes).find("instead of RST0"), std::string::npos) << off << ": " << found_in(bytes);
    bytes = restarts;
    bytes[second + 1] = static_cast<char>(0xd0 + (off + 1) % 8);
    EXPECT_NE(found_in(bytes).find("instead of RST1"), std::string::npos) << off << ": " << found_in(bytes);
  }
  // A marker that is none any more: what stands before the next one is lost, whatever number that has.
  for (const char number : {'\xd1', '\xd3', '\xd4', '\xd5'}) {
    std::string bytes = restarts;
    bytes[first] = '\0';
    bytes[second + 1] = number;
    EXPECT_NE(found_in(bytes), "shown") << static_cast<int>(number);
  }
  std::string shorter = restarts;
  shorter.erase(second - 6, 6);  // a piece without its end
  EXPECT_NE(found_in(shorter).find("premature end"), std::string::npos) << found_in(shorter);
  EXPECT_EQ(found_in(restarts), "shown");
}

// Telephones keep several pictures in one file, the one that is shown first.
TEST(FormatTest, WhatFollowsTheFirstPictureOfAJpegIsNotRead) {
  const std::string one = ReadAll(FixturePath("sub444.jpg")), two = ReadAll(FixturePath("progressive.jpg"));
  const Result<RgbImage> alone = DecodeImage(one, "x", {}), both = DecodeImage(one + two, "x.mpo", {});
  ASSERT_TRUE(alone.ok() && both.ok());
  EXPECT_EQ(alone->rgb, both->rgb);
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

#include "image/exif.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

std::string Tiff(const std::string& type_count_value) {
  return std::string("II*\0\x08\0\0\0\x01\0\x12\x01", 12) + type_count_value + std::string(4, '\0');
}

TEST(ExifTest, OrientationAsShortOrLong) {
  const std::string as_short = Tiff(std::string("\x03\0\x01\0\0\0\x06\0\0\0", 10));
  EXPECT_EQ(ExifOrientation(as_short), 6);
  EXPECT_EQ(ExifOrientation(std::string("Exif\0\0", 6) + as_short), 6);
  EXPECT_EQ(ExifOrientation(Tiff(std::string("\x04\0\x01\0\0\0\x08\0\0\0", 10))), 8);
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0", 22);
  EXPECT_EQ(ExifOrientation(big), 3);
}

TEST(ExifTest, AnythingElseIsUpright) {
  EXPECT_EQ(ExifOrientation(""), 1);
  EXPECT_EQ(ExifOrientation("garbage that is long enough"), 1);
  for (const char value : {'\0', '\x09', '\x7f'}) {
    EXPECT_EQ(ExifOrientation(Tiff(std::string("\x03\0\x01\0\0\0", 6) + value + std::string(3, '\0'))), 1);
  }
  EXPECT_EQ(ExifOrientation(Tiff(std::string("\x02\0\x01\0\0\0\x06\0\0\0", 10))), 1);
  EXPECT_EQ(ExifOrientation(Tiff(std::string("\x03\0\x02\0\0\0\x06\0\0\0", 10))), 1);
  // A directory outside of the block, and one that claims more entries than there are.
  EXPECT_EQ(ExifOrientation(std::string("II*\0\xff\xff\xff\xff", 8)), 1);
  EXPECT_EQ(ExifOrientation(std::string("II*\0\x08\0\0\0\xff\xff\x00\x01", 12)), 1);
  const std::string whole = Tiff(std::string("\x03\0\x01\0\0\0\x06\0\0\0", 10));
  for (size_t size = 0; size < 22; ++size)
    EXPECT_EQ(ExifOrientation(std::string_view(whole).substr(0, size)), 1);
}

// The corners of a 2 x 3 picture, written out from the standard's definition of the eight orientations.
TEST(ExifTest, EightWaysToStand) {
  // a b
  // c d
  // e f
  const std::string expected[] = {"abcdef", "badcfe", "fedcba", "efcdab",
                                  "acebdf", "ecafdb", "fdbeca", "bdface"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    RgbImage image;
    image.width = 2;
    image.height = 3;
    for (const char c : std::string("abcdef")) image.rgb.insert(image.rgb.end(), 3, static_cast<uint8_t>(c));
    const RgbImage turned = Oriented(image, orientation);
    EXPECT_EQ(turned.width, orientation >= 5 ? 3 : 2);
    EXPECT_EQ(turned.height, orientation >= 5 ? 2 : 3);
    std::string letters;
    for (size_t at = 0; at < turned.rgb.size(); at += 3) letters += static_cast<char>(turned.rgb[at]);
    EXPECT_EQ(letters, expected[orientation - 1]) << orientation;
  }
}

}  // namespace
}  // namespace gatehouse

// Damaged and malicious files: an error or an image, never a crash, and nothing allocated beyond the limits.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "image/image.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

using image_test::DecodeAll;
using image_test::FixturePath;
using image_test::Frames;
using image_test::FramesPath;
using image_test::ReadAll;

// One of every decoder and of every path in it.
constexpr const char* kSeeds[] = {"sub420.jpg",    "progressive.jpg",  "cmyk.jpg",      "grey.jpg",
                                  "restart.jpg",   "orient5.jpg",      "c2-8.png",      "c6-16-adam7.png",
                                  "c3-4.png",      "c0-1-adam7.png",   "orient3.png",   "lossy.webp",
                                  "lossless.webp", "alpha-lossy.webp", "animated.webp", "orient6.webp",
                                  "plain.gif",     "interlaced.gif",   "offset.gif",    "animated.gif"};

// And one of every way to compose frames.
constexpr const char* kAnimatedSeeds[] = {"local.gif", "restore.gif", "clear-opaque.gif", "pictures.webp",
                                          "blend.png", "restore.png", "apart.png",        "palette.png"};

// Small limits: a mutated header may claim much.
DecodeOptions Small() {
  DecodeOptions options;
  options.max_pixels = 1 << 16;
  return options;
}

std::string BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16 & 255),
          static_cast<char>(value >> 8 & 255), static_cast<char>(value & 255)};
}

uint32_t Crc(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

// Gives every whole chunk of a PNG file the checksum of its data, so that damage reaches what is behind the
// check.
void RepairChecksums(std::string& png) {
  size_t at = 8;
  while (at + 12 <= png.size()) {
    size_t size = 0;
    for (size_t k = 0; k < 4; ++k) size = size << 8 | static_cast<uint8_t>(png[at + k]);
    if (size > png.size() - at - 12) return;
    png.replace(at + 8 + size, 4, BigEndian(Crc(std::string_view(png).substr(at + 4, size + 4))));
    at += size + 12;
  }
}

template <typename T>
void ExpectBadInput(const Result<T>& result) {
  EXPECT_EQ(result.error().code, ErrorCode::kBadInput);
  EXPECT_FALSE(result.error().what.empty());
  EXPECT_EQ(result.error().where, "x");
}

void ExpectSane(const RgbImage& image) {
  EXPECT_GE(image.width, 1);
  EXPECT_GE(image.height, 1);
  EXPECT_EQ(image.rgb.size(), static_cast<size_t>(image.width) * image.height * 3);
}

void ExpectSane(const Result<Frames>& frames) {
  if (!frames.ok()) return ExpectBadInput(frames);
  EXPECT_GE(frames->shown.size(), 1u);
  for (const RgbImage& image : frames->shown) {
    ExpectSane(image);
    EXPECT_EQ(image.rgb.size(), frames->shown[0].rgb.size());  // the canvas never changes
  }
}

std::vector<std::string> Seeds() {
  std::vector<std::string> out;
  for (const char* name : kSeeds) out.push_back(ReadAll(FixturePath(name)));
  for (const char* name : kAnimatedSeeds) out.push_back(ReadAll(FramesPath(name)));
  return out;
}

TEST(HostileImageTest, NothingAndNoise) {
  ExpectBadInput(DecodeImage("", "x", {}));
  EXPECT_EQ(DecodeImage("", "x", {}).error().found, "an empty file");
  ExpectBadInput(DecodeImage(std::string(1000, '\0'), "x", {}));
  const Result<RgbImage> noise = DecodeImage("\x01\x02 what is this", "x.png", {});
  ASSERT_FALSE(noise.ok());
  EXPECT_EQ(
      noise.error().Message(),
      "unknown image format in x.png: expected JPEG, PNG, WebP or GIF, found bytes 01 02 20 77 68 61 74 20");
}

// A file without its end shows what the sender did not send, so it is an error. Two exceptions, with all
// pixels there: GIF files without their last byte are common, so one that ends behind a whole frame has no
// more of them; and the checksum of a still PNG's empty last chunk (4 bytes) is not looked at.
TEST(HostileImageTest, EveryTruncation) {
  for (const std::string& bytes : Seeds()) {
    SCOPED_TRACE(bytes.substr(0, 6) + std::to_string(bytes.size()));
    ASSERT_FALSE(bytes.empty());
    const auto whole = DecodeAll(bytes);
    ASSERT_TRUE(whole.ok()) << whole.error().Message();
    for (size_t size = 0; size < bytes.size(); size += size < 200 || bytes.size() - size < 60 ? 1 : 7) {
      const auto part = DecodeAll(std::string_view(bytes).substr(0, size));
      ExpectSane(part);
      if (!part.ok()) continue;
      const bool gif = bytes[0] == 'G';
      const bool png_checksum = bytes[0] == '\x89' && bytes.size() - size <= 4 && whole->of == 1;
      EXPECT_TRUE(gif || png_checksum) << size << " of " << bytes.size() << " bytes";
      ASSERT_LE(part->shown.size(), whole->shown.size());
      for (size_t k = 0; k < part->shown.size(); ++k) EXPECT_EQ(part->shown[k].rgb, whole->shown[k].rgb);
    }
  }
}

TEST(HostileImageTest, TenThousandMutations) {
  std::mt19937 random(11);
  const std::vector<std::string> seeds = Seeds();
  constexpr int kMutations = 10000;
  for (int round = 0; round < kMutations; ++round) {
    std::string bytes = seeds[static_cast<size_t>(round) % seeds.size()];
    const auto edits = 1 + random() % 6;
    for (unsigned edit = 0; edit < edits; ++edit) {
      // Half of the edits near the front, where the headers are.
      const size_t range = random() % 2 == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 200);
      const size_t at = random() % range;
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
          break;
        case 2:
          bytes[at] = random() % 2 == 0 ? '\xff' : '\0';
          break;
        default:
          bytes.erase(at, 1 + random() % 9);
          if (bytes.empty()) bytes = "x";
      }
    }
    if (bytes[0] == '\x89' && random() % 4 != 0) RepairChecksums(bytes);
    ExpectSane(DecodeAll(bytes, Small(), 3));
  }
}

// A fixture of ours whose header claims another size, checksum included.
std::string PngOfSize(uint32_t width, uint32_t height) {
  std::string bytes = ReadAll(FixturePath("c2-8.png"));
  bytes.replace(16, 4, BigEndian(width));
  bytes.replace(20, 4, BigEndian(height));
  bytes.replace(29, 4, BigEndian(Crc(std::string_view(bytes).substr(12, 17))));
  return bytes;
}

TEST(HostileImageTest, HugeSizesAreRefusedByTheHeader) {
  for (const auto& [width, height] :
       {std::pair<uint32_t, uint32_t>{0x7fffffff, 0x7fffffff}, {1 << 20, 1 << 20}, {65536, 1025}}) {
    const Result<RgbImage> image = DecodeImage(PngOfSize(width, height), "bomb.png", {});
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.error().Message(),
              "image too large in bomb.png: expected at most 67108864 pixels, found " +
                  std::to_string(width) + " x " + std::to_string(height));
  }
  EXPECT_EQ(DecodeImage(PngOfSize(1 << 26, 1), "x", {}).error().what, "image too long");
  EXPECT_EQ(DecodeImage(PngOfSize(0, 10), "x", {}).error().what, "empty image");

  std::string jpeg = ReadAll(FixturePath("sub420.jpg"));
  const size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_EQ(DecodeImage(jpeg, "x", {}).error().what, "image too large");

  std::string gif = ReadAll(FixturePath("plain.gif"));
  gif.replace(6, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(DecodeImage(gif, "x", {}).error().what, "image too large");

  DecodeOptions options;
  options.max_pixels = 45 * 31 - 1;
  for (const char* name : kSeeds) {
    EXPECT_EQ(DecodeAll(ReadAll(FixturePath(name)), options).error().what, "image too large") << name;
  }
}

TEST(HostileImageTest, FilesOverTheLimitAreNotRead) {
  DecodeOptions options;
  options.max_bytes = 100;
  const Result<RgbImage> image = DecodeImage(ReadAll(FixturePath("c2-8.png")), "x", options);
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.error().what, "image file too large");
}

TEST(HostileImageTest, DamagedChecksumIsAnError) {
  std::string bytes = ReadAll(FixturePath("c2-8.png"));
  bytes[bytes.find("IDAT") + 40] ^= 1;
  EXPECT_FALSE(DecodeImage(bytes, "x", {}).ok());
  std::string exif = ReadAll(FixturePath("orient3.png"));
  exif[exif.find("eXIf") + 20] ^= 1;
  EXPECT_FALSE(DecodeImage(exif, "x", {}).ok());
}

// A progressive grey file of one block whose single scan (the block's mean, no difference: one zero bit) is
// repeated.
std::string ManyScans(int scans) {
  std::string bytes("\xff\xd8\xff\xdb\x00\x43\x00", 7);
  bytes += std::string(64, '\x01');  // quantisation
  bytes +=
      std::string("\xff\xc2\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00", 13);  // frame: 8 x 8, one component
  bytes +=
      std::string("\xff\xc4\x00\x14\x00\x01", 6) + std::string(15, '\0') + std::string(1, '\0');  // codes
  for (int scan = 0; scan < scans; ++scan) {
    bytes += std::string("\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00\x7f", 11);
  }
  return bytes + "\xff\xd9";
}

// Each scan costs a pass over the whole image, however few bytes it takes.
TEST(HostileImageTest, ScanBombsAreRefused) {
  const Result<RgbImage> few = DecodeImage(ManyScans(90), "x", {});
  ASSERT_TRUE(few.ok()) << few.error().Message();
  EXPECT_EQ(few->rgb, std::vector<uint8_t>(8 * 8 * 3, 128));
  const Result<RgbImage> many = DecodeImage(ManyScans(5000), "x", {});
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().found, "more than 100 scans");
}

// libjpeg would fill the missing part with grey; that is no picture that anybody sent.
TEST(HostileImageTest, JpegWithoutItsEndIsAnError) {
  std::string bytes = ReadAll(FixturePath("sub444.jpg"));
  bytes.resize(bytes.size() * 3 / 4);
  const Result<RgbImage> cut = DecodeImage(bytes, "x", {});
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().Message(),
            "cannot decode the image in x: expected an intact JPEG file, found Premature end of JPEG file");
  bytes += "\xff\xd9";
  EXPECT_FALSE(DecodeImage(bytes, "x", {}).ok());
}

}  // namespace
}  // namespace gatehouse

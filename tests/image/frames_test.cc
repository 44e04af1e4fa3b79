// Animations: every frame is what a viewer shows (frames/, see make_frames.py), the right ones are chosen,
// and none is left out in silence.
#include "image/frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "image/image.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

using image_test::DecodeAll;
using image_test::FramesPath;
using image_test::ReadAll;

std::vector<std::string> Animations() {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(FramesPath(""))) {
    const std::string name = entry.path().filename().string();
    if (name.size() > 10 && name.substr(name.size() - 10) == ".white.png")
      names.insert(name.substr(0, name.size() - 10));
  }
  return {names.begin(), names.end()};
}

// The largest difference from what stands in `path`, frame below frame.
int Difference(const std::vector<RgbImage>& frames, const std::string& path) {
  const Result<RgbImage> expected = DecodeImage(ReadAll(path), path, {});
  if (!expected.ok()) return 256;
  std::vector<uint8_t> stacked;
  for (const RgbImage& frame : frames) stacked.insert(stacked.end(), frame.rgb.begin(), frame.rgb.end());
  if (stacked.size() != expected->rgb.size() || frames[0].width != expected->width) return 257;
  int most = 0;
  for (size_t k = 0; k < stacked.size(); ++k) most = std::max(most, std::abs(stacked[k] - expected->rgb[k]));
  return most;
}

TEST(FramesTest, EachFrameIsWhatAViewerShows) {
  int drops = 0;
  for (const std::string& name : Animations()) {
    SCOPED_TRACE(name);
    const std::string bytes = ReadAll(FramesPath(name));
    DecodeOptions white;
    white.alpha = AlphaMode::kWhite;
    const auto shown = DecodeAll(bytes, white);
    ASSERT_TRUE(shown.ok()) << shown.error().Message();
    EXPECT_GE(shown->shown.size(), 2u);
    EXPECT_EQ(shown->of, static_cast<int64_t>(shown->shown.size()));
    // Half-transparent colours are rounded twice.
    const int tolerance = name.substr(0, 5) == "blend" ? 1 : 0;
    EXPECT_LE(Difference(shown->shown, FramesPath(name + ".white.png")), tolerance);
    if (!std::filesystem::exists(FramesPath(name + ".drop.png"))) continue;
    const auto dropped = DecodeAll(bytes);
    ASSERT_TRUE(dropped.ok());
    EXPECT_LE(Difference(dropped->shown, FramesPath(name + ".drop.png")), tolerance);
    ++drops;
  }
  EXPECT_GE(Animations().size(), 28u);
  EXPECT_GE(drops, 10);
}

TEST(FramesTest, AnAnimationIsNoStillImage) {
  for (const std::string name : {"pictures.gif", "pictures.webp", "pictures.png"}) {
    const Result<RgbImage> image = DecodeImage(ReadAll(FramesPath(name)), name, {});
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.error().Message(),
              "animated image in " + name +
                  ": expected a still image, or a number of frames to judge of an animation (--frames N), "
                  "found 4 frames");
    EXPECT_EQ(image.error().code, ErrorCode::kBadInput);
  }
  // A picture for programs that know no animation, and one frame of it, are two pictures.
  EXPECT_EQ(DecodeImage(ReadAll(FramesPath("apart-one.png")), "x", {}).error().found, "2 frames");
}

TEST(FramesTest, FramesAreSpreadEvenlyFromTheFirstToTheLast) {
  const auto chosen = [](int64_t frames, int most) {
    std::vector<int64_t> out;
    const auto plan = PlanFrames(frames, most, "x");
    for (int64_t k = 0; k < plan->wanted; ++k) out.push_back(plan->Index(k));
    return out;
  };
  EXPECT_EQ(chosen(10, 4), (std::vector<int64_t>{0, 3, 6, 9}));
  EXPECT_EQ(chosen(101, 3), (std::vector<int64_t>{0, 50, 100}));
  EXPECT_EQ(chosen(3, 2), (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(chosen(3, 64), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_EQ(chosen(7, 1), (std::vector<int64_t>{0}));
  EXPECT_EQ(chosen(1, 0), (std::vector<int64_t>{0}));
  for (int64_t frames = 2; frames < 200; frames += 3) {
    for (int most = 2; most <= 64; ++most) {
      const std::vector<int64_t> all = chosen(frames, most);
      EXPECT_EQ(all.front(), 0);
      EXPECT_EQ(all.back(), frames - 1);
      int64_t least = frames, largest = 0;
      for (size_t k = 1; k < all.size(); ++k) {
        least = std::min(least, all[k] - all[k - 1]);
        largest = std::max(largest, all[k] - all[k - 1]);
      }
      EXPECT_GE(least, 1);
      EXPECT_LE(largest - least, 1) << frames << " " << most;
    }
  }
}

TEST(FramesTest, ChosenFramesAreTheSameAmongFewer) {
  for (const std::string name : {"pictures.gif", "pictures.webp", "holes.png", "restore.gif"}) {
    const std::string bytes = ReadAll(FramesPath(name));
    const auto all = DecodeAll(bytes), two = DecodeAll(bytes, {}, 2), one = DecodeAll(bytes, {}, 1);
    ASSERT_TRUE(all.ok() && two.ok() && one.ok());
    ASSERT_EQ(two->shown.size(), 2u);
    ASSERT_EQ(one->shown.size(), 1u);
    EXPECT_EQ(two->of, 4);
    EXPECT_EQ(one->shown[0].rgb, all->shown.front().rgb);
    EXPECT_EQ(two->shown[0].rgb, all->shown.front().rgb);
    EXPECT_EQ(two->shown[1].rgb, all->shown.back().rgb);
  }
}

TEST(FramesTest, DamageInALaterFrameIsAnError) {
  const std::string gif = ReadAll(FramesPath("pictures.gif")), png = ReadAll(FramesPath("pictures.png")),
                    webp = ReadAll(FramesPath("pictures.webp"));
  std::string bad = gif;
  const size_t last = bad.rfind("!\xf9\x04");  // the last frame: its control block, its place, its data
  bad.resize(last + 8 + 10 + 6);
  EXPECT_EQ(DecodeAll(bad).error().what, "cannot decode the image");
  bad = png;
  bad[bad.rfind("fdAT") + 12] ^= 4;
  EXPECT_EQ(DecodeAll(bad).error().found, "a wrong checksum of fdAT");
  bad = webp;
  const size_t frame = bad.rfind("VP8L");
  bad[frame + 8] = 0;  // its signature
  EXPECT_FALSE(DecodeAll(bad).ok());
}

// A chunk of a PNG file by its kind, changed; checksums as they were, so only where that is what is tried.
TEST(FramesTest, AnimatedPngsMustBeWhatTheySay) {
  const std::string whole = ReadAll(FramesPath("keep.png"));
  std::string cut = whole;
  cut.erase(cut.rfind("fcTL") - 4, cut.rfind("IEND") - cut.rfind("fcTL"));
  EXPECT_EQ(DecodeAll(cut).error().found, "2 frames where its header says 3");
  std::string swapped = whole;
  const size_t first = whole.find("fdAT") - 4, second = whole.find("fdAT", first + 8) - 4;
  const std::string one = whole.substr(first, second - first);
  swapped.erase(first, one.size());
  swapped.insert(whole.find("fcTL", second) - 4 - one.size(), one);
  EXPECT_EQ(DecodeAll(swapped).error().found, "frames out of sequence");
}

// Behind bytes that belong to nothing another frame may stand, which some programs show.
TEST(FramesTest, GifFramesBehindStrayBytesCount) {
  std::string bytes = ReadAll(FramesPath("no-control.gif"));  // two frames, no trailer
  EXPECT_EQ(DecodeAll(bytes)->of, 2);
  bytes.insert(bytes.rfind(','), "\0\0stray", 7);
  EXPECT_EQ(DecodeAll(bytes)->of, 2);
  EXPECT_EQ(DecodeAll(bytes + std::string(100, '\0'))->of, 2);
  EXPECT_EQ(DecodeAll(bytes + ";" + bytes.substr(6))->of, 2);  // nobody reads behind the trailer
}

// Blocks grow in later versions: what is known stands first, and programs read it.
TEST(FramesTest, GifControlBlocksMayBeLonger) {
  const std::string bytes = ReadAll(FramesPath("holes.gif"));
  std::string longer = bytes;
  int blocks = 0;
  for (size_t at = 0; (at = longer.find("!\xf9\x04", at)) != std::string::npos; at += 8, ++blocks) {
    longer[at + 2] = 5;
    longer.insert(at + 7, "x");
  }
  ASSERT_GT(blocks, 1);
  const auto expected = DecodeAll(bytes), found = DecodeAll(longer);
  ASSERT_TRUE(expected.ok() && found.ok());
  ASSERT_EQ(found->shown.size(), expected->shown.size());
  for (size_t k = 0; k < found->shown.size(); ++k)
    EXPECT_EQ(found->shown[k].rgb, expected->shown[k].rgb) << k;
}

// Each of these commas could begin a frame whose data go on to the end. Not in linear time this runs for
// hours.
TEST(FramesTest, StrayCommasTakeLinearTime) {
  EXPECT_FALSE(DecodeAll("GIF89a" + std::string("\x01\0\x01\0\0\0\0x", 8) + std::string(5000000, ',')).ok());
}

// Every frame carries a copy of the palette.
TEST(FramesTest, OnePaletteIsAllowed) {
  std::string bytes = ReadAll(FramesPath("keep.png"));
  const std::string palette("\0\0\0\x03PLTE\0\0\0\xa7\x7a\x3d\xda", 15);
  bytes.insert(bytes.find("IDAT") - 4, palette);
  ASSERT_TRUE(DecodeAll(bytes).ok()) << DecodeAll(bytes).error().Message();
  bytes.insert(bytes.find("IDAT") - 4, palette);
  EXPECT_EQ(DecodeAll(bytes).error().found, "a second PLTE");
}

// One frame of 1 x 1, or of what it says, a million times.
std::string ManyFrames(int count, const std::string& size) {
  std::string out("GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff", 19);
  const std::string frame = std::string(",\0\0\0\0", 5) + size + std::string("\0\x02\x02\x44\x01\0", 6);
  for (int k = 0; k < count; ++k) out += frame;
  return out + ";";
}

TEST(FramesTest, TheWorkOfAnAnimationIsBounded) {
  const std::string tiny("\1\0\1\0", 4), huge("\xff\xff\xff\xff", 4);
  const std::string million = ManyFrames(1000000, tiny);
  EXPECT_EQ(DecodeImage(million, "x", {}).error().found, "1000000 frames");
  DecodeOptions small;
  small.max_pixels = 1 << 20;
  EXPECT_EQ(DecodeAll(million, small, 2).error().what, "animation too large");
  const auto few = DecodeAll(ManyFrames(1000, tiny), small, 2);
  ASSERT_TRUE(few.ok()) << few.error().Message();
  EXPECT_EQ(few->of, 1000);
  // Later frames are cut to the canvas, but somebody has to unpack them.
  std::string hidden = ManyFrames(1, tiny);
  hidden.pop_back();
  hidden += ManyFrames(1, huge).substr(19);
  EXPECT_EQ(DecodeAll(hidden, {}, 2).error().what, "animation too large");
}

TEST(FramesTest, AnErrorOfTheSinkIsTheResult) {
  const auto refuse = [](RgbImage) -> Result<void> { return Error{ErrorCode::kBusy, "no more", {}, {}, {}}; };
  for (const std::string name : {"pictures.gif", "pictures.webp", "pictures.png", "still-0.png"}) {
    EXPECT_EQ(DecodeFrames(ReadAll(FramesPath(name)), name, {}, 4, refuse).error().what, "no more");
  }
}

}  // namespace
}  // namespace gatehouse

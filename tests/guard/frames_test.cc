// Animated images through the whole guard: each chosen frame counts as the still picture of it would.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/mapped_file.h"
#include "gatehouse/guard.h"
#include "gatehouse/stream.h"
#include "guard/guard_impl.h"
#include "guard_test_models.h"

namespace gatehouse {
namespace {

const std::string kFrames = GATEHOUSE_SOURCE_DIR "/tests/image/frames/";
constexpr int kStills = 4;  // the frames of pictures.gif, .png and .webp

// One guard, told anew how many frames it judges.
const Guard& GuardFor(int frames) {
  static const Guard guard = guard_test::LoadModel("lg4-verdict");
  ImplOf(guard).options.frames = frames;
  return guard;
}

Conversation With(const std::vector<std::string>& images) {
  Conversation out;
  Message message;
  for (const std::string& image : images)
    message.parts.push_back(Part::Image(*ReadFile(kFrames + image, 1u << 20), image));
  message.parts.push_back(Part::Text("what is this?"));
  out.messages.push_back(std::move(message));
  return out;
}

std::string Still(int k) { return "still-" + std::to_string(k) + ".png"; }

// The judgements of the conversation with these still pictures.
std::vector<Verdict> Judged(const std::vector<std::vector<std::string>>& rounds) {
  std::vector<Verdict> out;
  for (const auto& images : rounds) {
    auto one = GuardFor(0).Classify(With(images));
    if (!one.ok()) throw std::runtime_error(one.error().Message());
    out.push_back(std::move(one).value());
  }
  return out;
}

void ExpectWorstOf(const Verdict& got, const std::vector<Verdict>& rounds, int images) {
  double score = 0;
  int tokens = 0, image_tokens = 0;
  bool unsafe = false;
  for (const Verdict& one : rounds) {
    score = std::max(score, one.unsafe_score);
    unsafe = unsafe || one.unsafe;
    tokens += one.usage.prompt_tokens;
    image_tokens += one.usage.image_tokens;
  }
  EXPECT_EQ(got.unsafe_score, score);
  EXPECT_EQ(got.unsafe, unsafe);
  for (size_t i = 0; i < got.category_scores.size(); ++i) {
    double category = 0;
    for (const Verdict& one : rounds) category = std::max(category, one.category_scores[i].second);
    EXPECT_EQ(got.category_scores[i].second, category);
  }
  EXPECT_EQ(got.usage.frames, static_cast<int>(rounds.size()));
  EXPECT_EQ(got.usage.prompt_tokens, tokens);
  EXPECT_EQ(got.usage.image_tokens, image_tokens);
  EXPECT_EQ(got.usage.images, images);
}

TEST(GuardFrames, AnAnimationIsRefusedUnlessAskedFor) {
  const auto verdict = GuardFor(0).Classify(With({"pictures.gif"}));
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, ErrorCode::kBadInput);
  EXPECT_NE(verdict.error().Message().find("4 frames"), std::string::npos) << verdict.error().Message();
  EXPECT_EQ(Guard::Load({.model = "x", .frames = -1}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(Guard::Load({.model = "x", .frames = kMostFrames + 1}).error().code, ErrorCode::kUsage);
}

TEST(GuardFrames, TheWorstFrameCounts) {
  const std::vector<Verdict> stills = Judged({{Still(0)}, {Still(1)}, {Still(2)}, {Still(3)}});
  EXPECT_EQ(stills[0].usage.frames, 0);
  for (const std::string name : {"pictures.gif", "pictures.png", "pictures.webp"}) {
    SCOPED_TRACE(name);
    const auto all = GuardFor(8).Classify(With({name}));
    const auto two = GuardFor(2).Classify(With({name}));
    ASSERT_TRUE(all.ok() && two.ok());
    ExpectWorstOf(*all, stills, 1);
    ExpectWorstOf(*two, {stills.front(), stills.back()}, 1);
  }
}

// Frame k of each together; a still picture, and an animation with fewer frames, stays as it is.
TEST(GuardFrames, SeveralImagesMoveTogether) {
  std::vector<std::vector<std::string>> rounds;
  for (int k = 0; k < kStills; ++k) rounds.push_back({Still(k), Still(2), Still(k)});
  const std::vector<Verdict> expected = Judged(rounds);
  const auto verdict = GuardFor(8).Classify(With({"pictures.gif", Still(2), "pictures.png"}));
  ASSERT_TRUE(verdict.ok()) << verdict.error().Message();
  ExpectWorstOf(*verdict, expected, 3);
}

TEST(GuardFrames, AStillImageIsJudgedAsEver) {
  const auto asked = GuardFor(8).Classify(With({Still(1)}));
  const auto plain = GuardFor(0).Classify(With({Still(1)}));
  ASSERT_TRUE(asked.ok() && plain.ok());
  EXPECT_EQ(asked->unsafe_score, plain->unsafe_score);
  EXPECT_EQ(asked->category_scores, plain->category_scores);
  EXPECT_EQ(asked->usage.frames, 0);
}

TEST(GuardFrames, AStreamJudgesEveryFrameToo) {
  Stream stream(GuardFor(8), With({"pictures.webp"}));
  for (const std::string piece : {"It is ", "a picture"}) {
    const auto got = stream.Append(piece);
    ASSERT_TRUE(got.ok()) << got.error().Message();
    Conversation whole = With({"pictures.webp"});
    whole.AddAssistant(stream.text());
    const auto expected = GuardFor(8).Classify(whole);
    ASSERT_TRUE(expected.ok());
    EXPECT_EQ(got->unsafe_score, expected->unsafe_score);
    EXPECT_EQ(got->categories, expected->categories);
    EXPECT_EQ(got->usage.frames, kStills);
  }
}

}  // namespace
}  // namespace gatehouse

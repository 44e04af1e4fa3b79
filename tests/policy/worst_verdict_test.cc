// Several judgements of one conversation: the worst counts. Values by hand.
#include "policy/worst_verdict.h"

#include <gtest/gtest.h>

#include "policy/verdict.h"

namespace gatehouse {
namespace {

const VerdictWords kWords = {
    .safe = "safe", .unsafe = "unsafe", .lead = "\n\n", .separator = "\n", .list_separator = ","};

Verdict Of(bool unsafe, double score, std::vector<std::string> categories, double first, double second) {
  Verdict out;
  out.unsafe = unsafe;
  out.unsafe_score = score;
  out.categories = std::move(categories);
  out.category_scores = {{"S1", first}, {"S2", second}};
  out.output = OutputOf(kWords, unsafe, out.categories);
  out.raw_output = "said at " + std::to_string(score);
  out.verdict_mass = 1 - score / 10;
  out.usage = {.prompt_tokens = 100, .cached_tokens = 10, .image_tokens = 50, .images = 0, .frames = 0};
  out.timings = {.image = 0, .vision = 1, .prefill = 2, .decode = 3, .total = 0};
  return out;
}

TEST(WorstVerdict, OneIsItself) {
  const Verdict one = WorstOf(kWords, {Of(true, 0.75, {"S2"}, 0.25, 0.5)});
  EXPECT_EQ(one.output, "unsafe\nS2");
  EXPECT_EQ(one.usage.prompt_tokens, 100);
}

TEST(WorstVerdict, UnsafeIfOneIsWithTheHighestOfEachScore) {
  const Verdict verdict =
      WorstOf(kWords, {Of(false, 0.125, {}, 0.0625, 0.0625), Of(true, 0.75, {"S2"}, 0.25, 0.5),
                       Of(true, 0.625, {"S1", "S2"}, 0.5, 0.125)});
  EXPECT_TRUE(verdict.unsafe);
  EXPECT_EQ(verdict.unsafe_score, 0.75);
  EXPECT_EQ(verdict.category_scores[0].second, 0.5);
  EXPECT_EQ(verdict.category_scores[1].second, 0.5);
  EXPECT_EQ(verdict.categories, (std::vector<std::string>{"S2", "S1"}));  // the worst one's first
  EXPECT_EQ(verdict.output, "unsafe\nS2,S1");
  EXPECT_EQ(verdict.raw_output, "said at 0.750000");
  EXPECT_EQ(verdict.usage.prompt_tokens, 300);
  EXPECT_EQ(verdict.usage.cached_tokens, 30);
  EXPECT_EQ(verdict.usage.image_tokens, 150);
  EXPECT_EQ(verdict.timings.vision, 3);
  EXPECT_EQ(verdict.timings.prefill, 6);
  EXPECT_EQ(verdict.timings.decode, 9);
  EXPECT_EQ(verdict.verdict_mass, 0.925);
}

TEST(WorstVerdict, SafeOnlyIfAllAre) {
  const Verdict verdict =
      WorstOf(kWords, {Of(false, 0.125, {}, 0, 0.125), Of(false, 0.375, {}, 0.25, 0.0625)});
  EXPECT_FALSE(verdict.unsafe);
  EXPECT_EQ(verdict.output, "safe");
  EXPECT_EQ(verdict.unsafe_score, 0.375);
  EXPECT_TRUE(verdict.categories.empty());
}

// A frame over a category's own threshold, or one that the model did not answer, makes it unsafe however low
// its score is; the score is still the highest.
TEST(WorstVerdict, ALowScoreDoesNotHideAnUnsafeOne) {
  const Verdict category =
      WorstOf(kWords, {Of(false, 0.375, {}, 0.25, 0.125), Of(true, 0.25, {"S2"}, 0, 0.25)});
  EXPECT_TRUE(category.unsafe);
  EXPECT_EQ(category.unsafe_score, 0.375);
  EXPECT_EQ(category.output, "unsafe\nS2");
  EXPECT_EQ(category.raw_output, "said at 0.250000");
  const Verdict unknown = WorstOf(kWords, {Of(false, 0.375, {}, 0, 0), Of(true, 0.125, {"unknown"}, 0, 0)});
  EXPECT_TRUE(unknown.unsafe);
  EXPECT_EQ(unknown.output, "unsafe\nunknown");
  // Beside an answer with keys there is no need of it.
  const Verdict both = WorstOf(kWords, {Of(true, 0.875, {"unknown"}, 0, 0), Of(true, 0.625, {"S1"}, 0.5, 0)});
  EXPECT_EQ(both.output, "unsafe\nS1");
}

// A safe check of a growing answer has no scores of categories.
TEST(WorstVerdict, ScoresThatAreNotThereDoNotCount) {
  Verdict bare = Of(false, 0.125, {}, 0, 0);
  bare.category_scores.clear();
  const Verdict verdict = WorstOf(kWords, {Of(true, 0.75, {"S2"}, 0.25, 0.5), bare});
  EXPECT_EQ(verdict.category_scores[1].second, 0.5);
  EXPECT_EQ(WorstOf(kWords, {bare, Of(false, 0.0625, {}, 0.03125, 0)}).category_scores[0].second, 0.03125);
}

TEST(WorstVerdict, OfWindowsTheWorstOnesListStands) {
  const Verdict verdict =
      WorstOfWindows(kWords, {Of(true, 0.625, {"S1"}, 0.5, 0.125), Of(true, 0.75, {"S2"}, 0.25, 0.5)});
  EXPECT_EQ(verdict.output, "unsafe\nS2");
  EXPECT_EQ(verdict.category_scores[0].second, 0.5);
  EXPECT_EQ(verdict.usage.prompt_tokens, 200);
  EXPECT_EQ(verdict.timings.prefill, 2);
}

}  // namespace
}  // namespace gatehouse

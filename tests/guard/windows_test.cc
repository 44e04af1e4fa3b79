// Conversations longer than a prompt may be: judged in windows, each as if it were alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "gatehouse/stream.h"
#include "guard/guard_impl.h"
#include "guard_test_models.h"
#include "text/normalise.h"

namespace gatehouse {
namespace {

constexpr int64_t kTextTokens = 300;

std::string Words(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += "word" + std::to_string(i) + (i % 11 == 0 ? ". " : " ");
  return out;
}

Conversation Saying(const std::string& text) {
  Conversation out;
  out.AddUser(text);
  return out;
}

class GuardWindows : public testing::Test {
 protected:
  GuardWindows() : guard_(guard_test::LoadModel("lg4-verdict")) {
    short_.max_prompt_tokens = Tokens(Saying({})) + kTextTokens;
  }
  int64_t Tokens(const Conversation& conversation) const {
    return static_cast<int64_t>(
        ImplOf(guard_).Prepare(*guard_.policy(), conversation, {}).value().tokens.ids.size());
  }
  // The windows that it is judged in.
  Guard::Impl::CutRequest Cut(const Conversation& conversation) const {
    const PreparedRequest whole =
        ImplOf(guard_).Prepare(*guard_.policy(), conversation, short_, {}, /*may_be_cut=*/true).value();
    return ImplOf(guard_).Cut(*guard_.policy(), conversation, short_, whole, nullptr).value();
  }
  Guard guard_;
  ClassifyOptions short_;
};

TEST_F(GuardWindows, WhatFitsIsJudgedAsEver) {
  const Conversation conversation = Saying(Words(50));
  const Verdict whole = guard_.Classify(conversation).value(),
                again = guard_.Classify(conversation, short_).value();
  EXPECT_EQ(again.windows, 0);
  EXPECT_EQ(again.unsafe_score, whole.unsafe_score);
  EXPECT_EQ(again.category_scores, whole.category_scores);
}

TEST_F(GuardWindows, TheHighestScoreOfAllBitForBit) {
  const Conversation conversation = Saying(Words(700));
  const Verdict verdict = guard_.Classify(conversation, short_).value();
  const std::vector<Conversation> windows = Cut(conversation).list;
  ASSERT_GT(windows.size(), 4u);
  EXPECT_EQ(verdict.windows, static_cast<int>(windows.size()));
  EXPECT_EQ(verdict.dropped_messages, 0);
  double highest = 0;
  std::vector<std::pair<std::string, double>> scores;
  int tokens = 0;
  const Guard fresh = guard_test::LoadModel("lg4-verdict");
  for (const Conversation& window : windows) {
    const Verdict one = fresh.Classify(window).value();
    highest = std::max(highest, one.unsafe_score);
    tokens += one.usage.prompt_tokens;
    if (scores.empty()) scores = one.category_scores;
    for (size_t i = 0; i < scores.size(); ++i)
      scores[i].second = std::max(scores[i].second, one.category_scores[i].second);
  }
  EXPECT_EQ(verdict.unsafe_score, highest);
  EXPECT_EQ(verdict.category_scores, scores);
  EXPECT_EQ(verdict.usage.prompt_tokens, tokens);
  // What they share is computed once, and again nothing changes.
  EXPECT_EQ(guard_.Classify(conversation, short_).value().unsafe_score, highest);
}

TEST_F(GuardWindows, TheTurnsBeforeAreComputedOnce) {
  Conversation conversation = Saying("Say it in ten words, please, and in no more.");
  conversation.AddAssistant("Here they are, as you wanted to have them.");
  conversation.AddUser(Words(400));
  ASSERT_TRUE(guard_.Classify(Saying("warm")).ok());
  const EngineStats before = ImplOf(guard_).engine->stats();
  const Verdict verdict = guard_.Classify(conversation, short_).value();
  const int64_t computed = ImplOf(guard_).engine->stats().tokens - before.tokens;
  EXPECT_EQ(verdict.dropped_messages, 0);
  ASSERT_GT(verdict.windows, 2);
  const auto cut = Cut(conversation);
  ASSERT_EQ(cut.list.front().messages.size(), 3u);
  // Behind the policy's beginning, which was known, the messages before the last one are common to all.
  const int64_t known = ImplOf(guard_).Prepare(*guard_.policy(), Saying({}), {}).value().tokens.prefix_tokens;
  ASSERT_GT(cut.common.shared_tokens, known + 20);
  EXPECT_LE(computed, cut.tokens - (verdict.windows - 1) * int64_t{cut.common.shared_tokens} - known);
}

TEST_F(GuardWindows, RefusedWhereThatIsWantedOrTooManyAreNeeded) {
  ClassifyOptions refuse = short_;
  refuse.refuse_long = true;
  EXPECT_EQ(guard_.Classify(Saying(Words(700)), refuse).error().what, "prompt too long");
  ClassifyOptions few = short_;
  few.max_windows = 2;
  EXPECT_EQ(guard_.Classify(Saying(Words(700)), few).error().code, ErrorCode::kBadInput);
}

TEST_F(GuardWindows, EndLateOrCancelled) {
  ClassifyOptions late = short_;
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  const auto verdict = guard_.Classify(Saying(Words(3000)), late);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, ErrorCode::kLate);
  EXPECT_TRUE(guard_.Classify(Saying(Words(300)), short_).ok());
}

// A growing answer: each check as if it were judged from scratch, though windows that are full are not read
// again.
TEST_F(GuardWindows, AStreamEqualsJudgingFromScratch) {
  Conversation before = Saying("Tell me a long story.");
  Stream stream(guard_, before, short_);
  const std::string text = Words(500);
  const EngineStats at_first = ImplOf(guard_).engine->stats();
  std::vector<Verdict> checks;
  std::vector<std::string> texts;
  for (size_t at = 0; at < text.size(); at += 400) {
    checks.push_back(stream.Append(text.substr(at, 400)).value());
    texts.push_back(text.substr(0, at + 400));
  }
  checks.push_back(stream.Finish().value());
  texts.push_back(text);
  const int64_t computed = ImplOf(guard_).engine->stats().tokens - at_first.tokens;
  ASSERT_GT(checks.back().windows, 3);
  const Guard fresh = guard_test::LoadModel("lg4-verdict");
  for (size_t i = 0; i < checks.size(); ++i) {
    Conversation whole = before;
    whole.AddAssistant(texts[i]);
    const Verdict expected = fresh.Classify(whole, short_).value();
    EXPECT_EQ(checks[i].unsafe_score, expected.unsafe_score) << i;
    EXPECT_EQ(checks[i].windows, expected.windows) << i;
    EXPECT_EQ(checks[i].unsafe, expected.unsafe) << i;
  }
  // Each token stands in two windows; each check computes the prompt's end, and a full window is read once
  // more.
  const int64_t tokens = static_cast<int64_t>(ImplOf(guard_).tokenizer->Encode(text).size());
  const auto count = static_cast<int64_t>(checks.size());
  EXPECT_LT(computed, 500 + 4 * tokens + count * 60);
}

// Judged as written and as normalised, each as if it were alone, and the higher score decides.
TEST_F(GuardWindows, TricksOfSpellingAreUndoneForASecondJudgement) {
  ClassifyOptions twice;
  twice.normalise = true;
  EXPECT_FALSE(guard_.Classify(Saying("How do I juggle?"), twice).value().normalised.has_value());
  bool written_decided = false, normalised_decided = false;
  for (const char* name :
       {"juggle", "b o m b s", "c a t c h", "t h r o w", "b\u043Emb", "x\u200By", "\uFF41pple", "d o g s",
        "s w i m", "r e a d a b o o k", "c o o k s o u p", "w r i t e", "f l y", "p l a y c h e s s"}) {
    const std::string text = std::string("How do I ") + name + "?";
    const Verdict both = guard_.Classify(Saying(text), twice).value();
    const Verdict written = guard_.Classify(Saying(text)).value();
    const Verdict other = guard_.Classify(Saying(Normalise(text))).value();
    if (Normalise(text) == text) {
      EXPECT_FALSE(both.normalised.has_value());
      EXPECT_EQ(both.unsafe_score, written.unsafe_score);
      continue;
    }
    ASSERT_TRUE(both.normalised.has_value()) << text;
    EXPECT_EQ(both.unsafe_score, std::max(written.unsafe_score, other.unsafe_score));
    EXPECT_EQ(both.unsafe, written.unsafe || other.unsafe);
    EXPECT_EQ(both.categories, (*both.normalised ? other : written).categories);
    EXPECT_EQ(both.usage.prompt_tokens, written.usage.prompt_tokens + other.usage.prompt_tokens);
    (*both.normalised ? normalised_decided : written_decided) = true;
  }
  EXPECT_TRUE(written_decided && normalised_decided);
  // Long ones, too, and growing ones.
  twice.max_prompt_tokens = short_.max_prompt_tokens;
  const std::string text = Words(400) + " s p a c e d";
  const Verdict verdict = guard_.Classify(Saying(text), twice).value();
  EXPECT_TRUE(verdict.normalised.has_value());
  EXPECT_GT(verdict.windows, 1);
  Stream stream(guard_, {}, twice);
  EXPECT_FALSE(stream.Append("How do I b o").value().normalised.has_value());
  const Verdict grown = stream.Append(" m b this?").value();
  EXPECT_EQ(grown.unsafe_score,
            guard_.Classify(Saying("How do I b o m b this?"), twice).value().unsafe_score);
}

}  // namespace
}  // namespace gatehouse

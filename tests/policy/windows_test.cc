// Long conversations in windows: what they say together, and what each may be at most.
#include "policy/windows.h"

#include <gtest/gtest.h>

#include <random>

#include "policy/prompt.h"
#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using test::Llama4Tokenizer;
using test::LlamaGuard4Policy;

// Words with their number, so that each stands in the text once.
std::string Words(int count, int first = 0) {
  std::string out;
  for (int i = first; i < first + count; ++i) out += "word" + std::to_string(i) + (i % 13 == 0 ? ".\n" : " ");
  return out;
}

class WindowsTest : public testing::Test {
 protected:
  int64_t Tokens(const Conversation& conversation) const {
    const auto prompt = RenderPrompt(policy_, conversation, {});
    if (!prompt.ok()) throw std::runtime_error(prompt.error().Message());
    const std::vector<ImageGrid> grids(static_cast<size_t>(prompt->images));
    return static_cast<int64_t>(TokenisePrompt(*prompt, *tokenizer_, grids).value().ids.size());
  }
  Result<Windows> Cut(const Conversation& conversation, int64_t tokens, int most = 1000) const {
    const auto count = [this](const Conversation& one) -> Result<int64_t> { return Tokens(one); };
    return CutIntoWindows(conversation, {tokens, most}, *tokenizer_, count);
  }
  // All windows fit, and say the last message's text without a gap.
  void ExpectCovered(const std::string& text, const Windows& windows, int64_t tokens) const {
    size_t covered = 0;
    for (const Conversation& window : windows.list) {
      EXPECT_LE(Tokens(window), tokens);
      ASSERT_EQ(window.messages.back().parts.size(), 1u);
      const std::string& piece = window.messages.back().parts.back().text;
      // Where it stands: it overlaps what was said before, or follows it at once.
      size_t at = text.find(piece, covered > piece.size() ? covered - piece.size() : 0);
      ASSERT_NE(at, std::string::npos);
      ASSERT_LE(at, covered);
      covered = std::max(covered, at + piece.size());
    }
    EXPECT_EQ(covered, text.size());
  }
  int64_t Frame() const { return Tokens({{{Role::kUser, {Part::Text({})}}}}); }

  const Policy policy_ = LlamaGuard4Policy();
  const std::shared_ptr<const Tokenizer> tokenizer_ = Llama4Tokenizer();
};

TEST_F(WindowsTest, TogetherTheySayAllOfIt) {
  const int64_t limit = Frame() + 400;
  for (const int words : {300, 1000, 5000}) {
    Conversation conversation;
    conversation.AddUser(Words(words));
    ASSERT_GT(Tokens(conversation), limit);
    const auto windows = Cut(conversation, limit);
    ASSERT_TRUE(windows.ok()) << windows.error().Message();
    EXPECT_EQ(windows->dropped_messages, 0);
    ExpectCovered(Words(words), *windows, limit);
    // As many as half their room demands, and not more.
    const int64_t text = static_cast<int64_t>(tokenizer_->Encode(Words(words)).size());
    const auto count = static_cast<int64_t>(windows->list.size());
    EXPECT_GE(count, text / 400);
    EXPECT_LE(count, text / 200 + 2);
  }
}

TEST_F(WindowsTest, WhatIsShorterThanHalfStandsWholeInOne) {
  const int64_t limit = Frame() + 1000;
  const std::string sentence = "This is the one sentence, of about twenty tokens, that somebody should read.";
  for (int twentieth = 0; twentieth <= 20; ++twentieth) {
    Conversation conversation;
    conversation.AddUser(Words(600 * twentieth) + sentence + " " +
                         Words(600 * (20 - twentieth), 600 * twentieth));
    const auto windows = Cut(conversation, limit);
    ASSERT_TRUE(windows.ok());
    EXPECT_TRUE(std::any_of(windows->list.begin(), windows->list.end(), [&](const Conversation& window) {
      return window.messages.back().parts.front().text.find(sentence) != std::string::npos;
    })) << twentieth;
  }
}

// Letters without a space are one piece for the tokenizer; characters of several bytes stay whole.
TEST_F(WindowsTest, TextWithoutBordersIsCutBetweenCharacters) {
  const int64_t limit = Frame() + 100;
  std::mt19937 random(3);
  std::string letters, umlauts, spaces(9000, ' ');
  for (int i = 0; i < 6000; ++i) letters += static_cast<char>('a' + random() % 26);
  for (int i = 0; i < 3000; ++i) umlauts += random() % 2 == 0 ? "\xC3\xA4" : "\xF0\x9F\x98\x80";
  for (const std::string& text : {letters, umlauts}) {
    Conversation conversation;
    conversation.AddUser(text);
    const auto windows = Cut(conversation, limit);
    ASSERT_TRUE(windows.ok()) << windows.error().Message();
    EXPECT_GT(windows->list.size(), 5u);
    for (const Conversation& window : windows->list) {
      const std::string& piece = window.messages.back().parts.front().text;
      EXPECT_NE(static_cast<unsigned char>(piece.front()) & 0xC0, 0x80);
      EXPECT_LE(Tokens(window), limit);
    }
    EXPECT_EQ(windows->list.back().messages.back().parts.front().text.back(), text.back());
  }
  Conversation blank;
  blank.AddUser(spaces + Words(200));
  EXPECT_TRUE(Cut(blank, limit).ok());
}

TEST_F(WindowsTest, TheOldestMessagesGoInPairs) {
  Conversation conversation;
  for (int i = 0; i < 10; ++i) {
    conversation.AddUser(Words(20, 100 * i));
    conversation.AddAssistant(Words(20, 100 * i + 50));
  }
  conversation.AddUser("And what now?");
  const int64_t limit = Frame() + 400;
  auto windows = Cut(conversation, limit);
  ASSERT_TRUE(windows.ok());
  ASSERT_EQ(windows->list.size(), 1u);
  const int dropped = windows->dropped_messages;
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 20);
  EXPECT_EQ(dropped % 2, 0);
  const std::vector<Message>& kept = windows->list.front().messages;
  EXPECT_EQ(kept.front().parts.front().text,
            conversation.messages[static_cast<size_t>(dropped)].parts.front().text);
  EXPECT_EQ(kept.back().parts.front().text, "And what now?");
  // A quarter of the room, and one pair more would be too much.
  Conversation before;
  before.messages.assign(kept.begin(), kept.end() - 1);
  before.AddUser({});
  EXPECT_LE(Tokens(before) - Frame(), 100);
  before.messages.insert(before.messages.begin(), conversation.messages.begin() + dropped - 2,
                         conversation.messages.begin() + dropped);
  EXPECT_GT(Tokens(before) - Frame(), 100);
}

// The judged role stays, even where the question is too long to stand before the answer.
TEST_F(WindowsTest, AnAnswerStaysAnAnswer) {
  Conversation conversation;
  conversation.AddUser(Words(3000));
  conversation.AddAssistant("No.");
  const auto windows = Cut(conversation, Frame() + 300);
  ASSERT_TRUE(windows.ok());
  ASSERT_EQ(windows->list.size(), 1u);
  EXPECT_EQ(windows->dropped_messages, 1);
  const std::vector<Message>& messages = windows->list.front().messages;
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].role, Role::kUser);
  EXPECT_EQ(messages[1].role, Role::kAssistant);
  EXPECT_EQ(messages[1].parts.front().text, "No.");
}

TEST_F(WindowsTest, SeveralTextsAndAllImagesOfTheLastMessage) {
  Message message{Role::kUser, {Part::Image("one", "1"), Part::Text(Words(400)), Part::Image("two", "2")}};
  for (int i = 0; i < 50; ++i) message.parts.push_back(Part::Text("part " + std::to_string(i)));
  const Conversation conversation{{message}};
  const Conversation bare{{{Role::kUser, {message.parts[0], message.parts[2], Part::Text({})}}}};
  const int64_t limit = Tokens(bare) + 250;
  const auto windows = Cut(conversation, limit);
  ASSERT_TRUE(windows.ok()) << windows.error().Message();
  ASSERT_GT(windows->list.size(), 2u);
  std::string said;
  for (const Conversation& window : windows->list) {
    EXPECT_LE(Tokens(window), limit);
    const std::vector<Part>& parts = window.messages.back().parts;
    EXPECT_EQ(parts[0].image_name, "1");
    EXPECT_EQ(parts[1].image_name, "2");
    for (size_t i = 2; i < parts.size(); ++i) said += parts[i].text + "|";
  }
  for (int i = 0; i < 50; ++i)
    EXPECT_NE(said.find("part " + std::to_string(i) + "|"), std::string::npos) << i;
  const auto no_room = Cut(conversation, Tokens(bare) + 10);
  ASSERT_FALSE(no_room.ok());
  EXPECT_NE(no_room.error().Message().find("no room for text"), std::string::npos);
}

TEST_F(WindowsTest, TooManyAreRefused) {
  Conversation conversation;
  conversation.AddUser(Words(5000));
  const int64_t limit = Frame() + 400;
  const auto all = Cut(conversation, limit);
  ASSERT_TRUE(all.ok());
  const int count = static_cast<int>(all->list.size());
  EXPECT_TRUE(Cut(conversation, limit, count).ok());
  const auto fewer = Cut(conversation, limit, count - 1);
  ASSERT_FALSE(fewer.ok());
  EXPECT_EQ(fewer.error().code, ErrorCode::kBadInput);
  EXPECT_NE(fewer.error().Message().find("windows"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse

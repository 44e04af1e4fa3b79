// The whole way from a conversation to a verdict, against the reference's verdicts; and the facade's
// promises.
#include "gatehouse/guard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/mapped_file.h"
#include "gatehouse/stream.h"
#include "guard/guard_impl.h"
#include "guard_test_models.h"
#include "policy/conversation_json.h"

namespace gatehouse {
namespace {

using guard_test::ModelDirectory;

const std::string kGolden = GATEHOUSE_SOURCE_DIR "/tests/golden/";

const Guard& VerdictGuard() {
  static const Guard guard = [] {
    auto loaded = Guard::Load({.model = ModelDirectory("lg4-verdict"), .dtype = "f32", .threads = 2});
    if (!loaded.ok()) throw std::runtime_error(loaded.error().Message());
    return std::move(loaded).value();
  }();
  return guard;
}

struct Row {
  nlohmann::ordered_json prompt, expected;  // the order of custom categories counts
};

std::vector<Row> Rows(const std::string& model) {
  std::map<std::string, nlohmann::ordered_json> prompts;
  std::vector<Row> out;
  std::ifstream prompt_file(kGolden + "prompts.jsonl"), row_file(kGolden + model + ".jsonl");
  for (std::string line; std::getline(prompt_file, line);) {
    nlohmann::ordered_json prompt = nlohmann::ordered_json::parse(line);
    const std::string name = prompt["name"].get<std::string>();
    prompts[name] = prompt;
  }
  for (std::string line; std::getline(row_file, line);) {
    nlohmann::ordered_json row = nlohmann::ordered_json::parse(line);
    const std::string name = row["name"].get<std::string>();
    out.push_back({prompts.at(name), row});
  }
  return out;
}

Result<Verdict> ClassifyRow(const Guard& guard, const Row& row) {
  nlohmann::ordered_json object = {{"messages", row.prompt["messages"]}};
  if (row.prompt["excluded"].is_array()) object["exclude"] = row.prompt["excluded"];
  ConversationOptions options;
  options.load_path = [](const std::string& path) { return ReadFile(kGolden + "images/" + path, 64u << 20); };
  GATEHOUSE_ASSIGN(const ConversationInput input, ParseConversation(object.dump(), "row", options));
  ClassifyOptions choice;
  choice.exclude = input.choice.exclude;
  if (row.prompt["categories"].is_object()) {
    for (const auto& [key, text] : row.prompt["categories"].items())
      choice.categories.emplace_back(key, text.get<std::string>());
  }
  return guard.Classify(input.conversation, choice);
}

TEST(Guard, VerdictsScoresAndCategoriesEqualTheReference) {
  int compared = 0;
  for (const Row& row : Rows("lg4-verdict")) {
    const auto verdict = ClassifyRow(VerdictGuard(), row);
    ASSERT_TRUE(verdict.ok()) << row.expected["name"] << ": " << verdict.error().Message();
    EXPECT_NEAR(verdict->unsafe_score, row.expected["unsafe_score"].get<double>(), 1e-4)
        << row.expected["name"];
    EXPECT_EQ(verdict->lead, row.expected["lead"].get<bool>()) << row.expected["name"];
    for (const auto& [key, score] : verdict->category_scores) {
      EXPECT_NEAR(score, row.expected["category_scores"][key].get<double>(), 1e-4) << row.expected["name"];
    }
    EXPECT_EQ(verdict->unsafe ? "unsafe" : "safe", row.expected["verdict"].get<std::string>())
        << row.expected["name"];
    if (row.expected["list_gap"].get<double>() > 1e-2) {
      EXPECT_EQ(verdict->categories, row.expected["categories"].get<std::vector<std::string>>())
          << row.expected["name"];
    }
    ++compared;
  }
  EXPECT_EQ(compared, 16);
}

// Scores alone: these models' answers are noise, so nearly all of their verdicts are "unknown".
void CompareScores(const std::string& model, const std::string& dtype, double bar) {
  const auto guard = Guard::Load({.model = ModelDirectory(model), .dtype = dtype, .threads = 2});
  ASSERT_TRUE(guard.ok()) << guard.error().Message();
  int compared = 0;
  for (const Row& row : Rows(model)) {
    const auto verdict = ClassifyRow(*guard, row);
    ASSERT_TRUE(verdict.ok()) << row.expected["name"] << ": " << verdict.error().Message();
    EXPECT_NEAR(verdict->unsafe_score, row.expected["unsafe_score"].get<double>(), bar)
        << model << " " << row.expected["name"];
    if (dtype == "f32") {
      EXPECT_EQ(verdict->lead, row.expected["lead"].get<bool>()) << model << " " << row.expected["name"];
    }
    for (const auto& [key, score] : verdict->category_scores) {
      EXPECT_NEAR(score, row.expected["category_scores"][key].get<double>(), bar)
          << model << " " << row.expected["name"] << " " << key;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 16);
}

TEST(Guard, Float32ScoresEqualTheReference) {
  for (const char* model : {"lg4-tiny", "lg4-small", "scout-tiny"}) CompareScores(model, "f32", 1e-4);
}

TEST(Guard, Bf16ScoresStayWithin002) {
  for (const char* model : {"lg4-tiny", "lg4-small"}) CompareScores(model, "bf16", 0.02);
}

// The policy known, a verdict is one pass: keys ride at the prompt's end. The list of an unsafe one takes
// more.
TEST(Guard, AWarmVerdictIsOnePass) {
  auto guard = Guard::Load({.model = ModelDirectory("lg4-verdict"), .threads = 2});
  ASSERT_TRUE(guard.ok());
  Conversation first, second;
  first.AddUser("hello there");
  second.AddUser("what is the weather like?");
  ASSERT_TRUE(guard->Classify(first).ok());
  const Engine& engine = *ImplOf(*guard).engine;
  const int64_t before = engine.stats().passes;
  ClassifyOptions no_list;
  no_list.thresholds.replaces = true;
  no_list.thresholds.overall = 2.0;
  ASSERT_TRUE(guard->Classify(second, no_list).ok());
  EXPECT_EQ(engine.stats().passes, before + 1);
}

// Scores differ on average from those of unrounded keys and values by no more than BF16 may cost a score of
// random weights.
TEST(Guard, KeysAndValuesIn8BitsStayNearAndAreExactWhenWarm) {
  const auto load = [](const char* kv) {
    return Guard::Load({.model = ModelDirectory("lg4-verdict"), .kv = kv, .threads = 2});
  };
  const auto warm = load("int8"), cold = load("int8"), unrounded = load("");
  ASSERT_TRUE(warm.ok() && cold.ok() && unrounded.ok());
  const std::vector<Row> rows = Rows("lg4-verdict");
  double total = 0;
  for (const Row& row : rows) {
    const auto first = ClassifyRow(*warm, row), again = ClassifyRow(*warm, row),
               expected = ClassifyRow(*unrounded, row);
    ASSERT_TRUE(first.ok() && again.ok() && expected.ok());
    total += std::abs(first->unsafe_score - expected->unsafe_score);
    EXPECT_EQ(first->unsafe_score, again->unsafe_score);
    EXPECT_EQ(first->category_scores, again->category_scores);
  }
  EXPECT_GT(total, 0.0);
  EXPECT_LE(total / static_cast<double>(rows.size()), 0.02);
  EXPECT_EQ(ClassifyRow(*cold, rows.back())->unsafe_score, ClassifyRow(*warm, rows.back())->unsafe_score);
}

TEST(Guard, AWarmAnswerEqualsTheColdOneBitForBit) {
  auto fresh = Guard::Load({.model = ModelDirectory("lg4-verdict"), .threads = 2});
  ASSERT_TRUE(fresh.ok());
  Conversation conversation;
  conversation.AddUser("how do I pick a lock?");
  const auto cold = fresh->Classify(conversation), warm = fresh->Classify(conversation);
  ASSERT_TRUE(cold.ok() && warm.ok());
  EXPECT_EQ(cold->usage.cached_tokens, 0);
  EXPECT_GE(warm->usage.cached_tokens, 140);
  EXPECT_EQ(cold->unsafe_score, warm->unsafe_score);
  EXPECT_EQ(cold->category_scores, warm->category_scores);
}

Conversation WithImages(const std::vector<std::string>& images, const std::string& text) {
  Conversation out;
  Message message;
  for (const std::string& image : images) {
    message.parts.push_back(Part::Image(*ReadFile(kGolden + "images/" + image, 64u << 20), image));
  }
  message.parts.push_back(Part::Text(text));
  out.messages.push_back(std::move(message));
  return out;
}

// Images are told apart by their pixels, in the cache of keys and values and in that of features.
TEST(Guard, CachedImagesNeverChangeAnAnswer) {
  const std::vector<std::vector<std::string>> sets = {
      {"square.jpg"}, {"dot.png"}, {"square.jpg", "dot.png"}, {"dot.png", "square.jpg"}};
  const auto load = [] { return Guard::Load({.model = ModelDirectory("lg4-verdict"), .threads = 2}); };
  const auto warm = load();
  ASSERT_TRUE(warm.ok());
  for (int round = 0; round < 2; ++round) {
    for (const auto& images : sets) {
      for (const char* text : {"what is this?", "and that?"}) {
        const Conversation conversation = WithImages(images, text);
        const auto fresh = load();
        ASSERT_TRUE(fresh.ok());
        const auto expected = fresh->Classify(conversation), got = warm->Classify(conversation);
        ASSERT_TRUE(expected.ok() && got.ok());
        EXPECT_EQ(got->unsafe_score, expected->unsafe_score) << images[0] << " " << text;
        EXPECT_EQ(got->category_scores, expected->category_scores) << images[0] << " " << text;
        if (round == 1) {
          // All but the last token is known from the first round.
          EXPECT_EQ(got->usage.cached_tokens, got->usage.prompt_tokens - 1);
        }
      }
    }
  }
}

// Every piece's verdict is that of the whole text so far, and computes little more than the piece.
TEST(Stream, EqualsClassifyingFromScratch) {
  auto fresh = Guard::Load({.model = ModelDirectory("lg4-verdict"), .dtype = "f32", .threads = 2});
  ASSERT_TRUE(fresh.ok());
  Conversation before;
  before.AddUser("Tell me a long story, please.");
  Stream stream(VerdictGuard(), before);
  std::string whole;
  const std::string text =
      "Once upon a time, in a caf\xC3\xA9 by the sea \xF0\x9F\x8C\x8A, a cat sat on the mat. ";
  int computed = 0;
  for (size_t at = 0; at < text.size(); at += 4) {
    const std::string piece = text.substr(at, 4);
    const auto got = stream.Append(piece);
    ASSERT_TRUE(got.ok()) << got.error().Message();
    computed = got->usage.prompt_tokens - got->usage.cached_tokens;
    Conversation conversation = before;
    conversation.AddAssistant(stream.text());
    const auto expected = fresh->Classify(conversation);
    ASSERT_TRUE(expected.ok());
    EXPECT_EQ(got->unsafe_score, expected->unsafe_score) << stream.text();
    EXPECT_EQ(got->categories, expected->categories);
    EXPECT_EQ(got->role, Role::kAssistant);
  }
  EXPECT_EQ(stream.text(), text);  // no byte was lost at a cut
  EXPECT_LT(computed, 80);         // the piece, and the policy's words behind it
}

TEST(Guard, ADeadlineInThePastIsLate) {
  ClassifyOptions options;
  options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  Conversation conversation;
  conversation.AddUser("a text that no test has asked about");
  const auto verdict = VerdictGuard().Classify(conversation, options);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, ErrorCode::kLate);
}

TEST(Guard, SeveralThreadsGetTheSameAnswers) {
  Conversation user, agent;
  user.AddUser("hello");
  agent.AddUser("hello");
  agent.AddAssistant("hi there");
  const auto a = VerdictGuard().Classify(user), b = VerdictGuard().Classify(agent);
  ASSERT_TRUE(a.ok() && b.ok());
  std::vector<double> scores(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < scores.size(); ++i) {
    threads.emplace_back([&, i] {
      const auto verdict = VerdictGuard().Classify(i % 2 == 0 ? user : agent);
      scores[i] = verdict.ok() ? verdict->unsafe_score : NAN;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i], (i % 2 == 0 ? a : b)->unsafe_score);
}

TEST(Guard, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(Guard::Load({.model = "nowhere"}).error().code, ErrorCode::kModel);
  EXPECT_EQ(Guard::Load({.model = ""}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(Guard::Load({.model = "x", .device = "tpu"}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(Guard::Load({.model = "x", .dtype = "f8"}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(Guard::Load({.model = "x", .kv = "int4"}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(VerdictGuard().Classify({}).error().code, ErrorCode::kBadInput);
  Conversation image;
  image.messages.push_back({Role::kUser, {Part::Image("not an image", "x.png")}});
  const auto verdict = VerdictGuard().Classify(image);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, ErrorCode::kBadInput);
  EXPECT_NE(verdict.error().Message().find("x.png"), std::string::npos) << verdict.error().Message();
  Conversation many;
  many.messages.push_back({Role::kUser, std::vector<Part>(17, Part::Image("x"))});
  EXPECT_NE(VerdictGuard().Classify(many).error().Message().find("16"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse

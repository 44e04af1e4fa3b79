// The starter against an independent float32 evaluation: models/starter/reference.jsonl. Needs the base model
// that scripts/starter.sh fetches; skipped where it is not there.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gatehouse/guard.h"
#include "guard/guard_impl.h"

namespace gatehouse {
namespace {

const std::string kBase = GATEHOUSE_SOURCE_DIR "/build/downloads/SmolLM2-135M-Instruct.Q4_1.gguf";
const std::string kStarter = GATEHOUSE_SOURCE_DIR "/models/starter";

void Compare(const std::string& dtype, size_t every, double bar) {
  if (!std::filesystem::exists(kBase))
    GTEST_SKIP() << "the base model has not been fetched (scripts/starter.sh)";
  const auto guard = Guard::Load({.model = kBase, .adapter = kStarter, .dtype = dtype});
  ASSERT_TRUE(guard.ok()) << guard.error().Message();
  std::ifstream file(kStarter + "/reference.jsonl");
  size_t number = 0, judged = 0;
  for (std::string line; std::getline(file, line); ++number) {
    const auto row = nlohmann::json::parse(line);
    Conversation conversation;
    for (const auto& message : row["messages"]) {
      const std::string text = message["content"].get<std::string>();
      if (message["role"] == "user") {
        conversation.AddUser(text);
      } else {
        conversation.AddAssistant(text);
      }
    }
    const auto prepared = ImplOf(*guard).Prepare(*guard->policy(), conversation, {});
    ASSERT_TRUE(prepared.ok()) << prepared.error().Message();
    EXPECT_EQ(prepared->tokens.ids, row["ids"].get<std::vector<int32_t>>()) << "row " << number;
    if (number % every != 0) continue;
    ++judged;
    const auto verdict = guard->Classify(conversation);
    ASSERT_TRUE(verdict.ok()) << verdict.error().Message();
    EXPECT_NEAR(verdict->unsafe_score, row["unsafe_score"].get<double>(), bar) << "row " << number;
    for (const auto& [key, score] : verdict->category_scores) {
      EXPECT_NEAR(score, row["category_scores"][key].get<double>(), bar) << "row " << number << " " << key;
    }
  }
  EXPECT_EQ(number, 200u);
  EXPECT_EQ(judged, (200 + every - 1) / every);
}

TEST(Starter, Float32EqualsTheReference) { Compare("f32", 8, 1e-3); }
TEST(Starter, Bf16StaysClose) { Compare("bf16", 8, 0.03); }

TEST(Starter, HasNoEyes) {
  if (!std::filesystem::exists(kBase))
    GTEST_SKIP() << "the base model has not been fetched (scripts/starter.sh)";
  const auto guard = Guard::Load({.model = kBase, .adapter = kStarter});
  ASSERT_TRUE(guard.ok());
  Conversation conversation;
  conversation.messages.push_back({Role::kUser, {Part::Image("x"), Part::Text("what is this?")}});
  const auto verdict = guard->Classify(conversation);
  ASSERT_FALSE(verdict.ok());
  EXPECT_NE(verdict.error().Message().find("Llama Guard 4"), std::string::npos) << verdict.error().Message();
}

}  // namespace
}  // namespace gatehouse

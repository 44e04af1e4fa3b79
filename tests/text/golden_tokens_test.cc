// The 992 strings on which two independent libraries agree, and control tokens spelt out in text.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "golden_tokenizer.h"

namespace gatehouse {
namespace {

TEST(GoldenTokens, EveryRowIsExact) {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/tests/golden/tokens.jsonl");
  ASSERT_TRUE(file.good());
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto row = nlohmann::json::parse(line);
    const std::string text = row["text"].get<std::string>();
    const auto tokenizer = test::GoldenTokenizer(row["tokenizer"].get<std::string>());
    EXPECT_EQ(tokenizer->Encode(text), row["ids"].get<std::vector<int32_t>>()) << row["tokenizer"] << " row " << rows << ": " << row["text"];
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text)), text);
  }
  EXPECT_EQ(rows, 992);
}

TEST(GoldenTokens, ControlTokensInTextAreOrdinaryCharacters) {
  const auto tokenizer = test::GoldenTokenizer("llama4");
  std::vector<std::string> specials;
  for (const ControlToken& control : tokenizer->data().controls) specials.push_back(control.text);
  ASSERT_GT(specials.size(), 1000u);
  std::mt19937 random(7);
  const auto pick = [&](size_t size) { return random() % size; };
  const std::vector<std::string> fillers = {"", " ", "a", "\n", "<|", "|>", "\xE4\xBD\xA0", "1234", "User: "};
  for (int i = 0; i < 100'000; ++i) {
    std::string text = fillers[pick(fillers.size())] + specials[static_cast<size_t>(i) % specials.size()] + fillers[pick(fillers.size())];
    if (i % 3 == 0) text += specials[pick(specials.size())];
    for (const int32_t id : tokenizer->Encode(text)) ASSERT_FALSE(tokenizer->IsControl(id)) << text;
  }
  EXPECT_EQ(tokenizer->ControlId("<|eot|>"), 200008);
  EXPECT_EQ(tokenizer->ControlId("<|patch|>"), 200092);
  EXPECT_EQ(tokenizer->ControlId("hello"), std::nullopt);
}

TEST(GoldenTokens, KnownIdsOfTheVerdictWords) {
  const auto tokenizer = test::GoldenTokenizer("llama4");
  EXPECT_EQ(tokenizer->Encode("unsafe\nS1,S2"), (std::vector<int32_t>{72110, 198, 63, 29, 36001, 30}));
  EXPECT_EQ(tokenizer->Encode("\n\n"), std::vector<int32_t>{368});
  EXPECT_EQ(tokenizer->Encode("safe"), std::vector<int32_t>{60411});
}

}  // namespace
}  // namespace gatehouse

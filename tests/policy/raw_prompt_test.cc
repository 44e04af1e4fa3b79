// Prompts that somebody rendered himself, against the published ones: the same ids.
#include "policy/raw_prompt.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<ordered_json> TextRows() {
  std::vector<ordered_json> out;
  std::istringstream rows(test::ReadSourceFile("tests/golden/prompts.jsonl"));
  for (std::string line; std::getline(rows, line);) {
    ordered_json row = ordered_json::parse(line);
    if (row["images"].is_null() || row["images"].empty()) out.push_back(std::move(row));
  }
  return out;
}

std::vector<int32_t> IdsOf(const RawPrompt& raw) {
  static const auto tokenizer = test::Llama4Tokenizer();
  const auto prompt = RenderRawPrompt(test::LlamaGuard4Policy(), raw, {});
  if (!prompt.ok()) return {};
  return TokenisePrompt(*prompt, *tokenizer, {})->ids;
}

TEST(RawPrompt, AllReferencePromptsIdForId) {
  int count = 0;
  for (const ordered_json& row : TextRows()) {
    SCOPED_TRACE(row["name"].get<std::string>());
    const auto text = row["prompt"].get<std::string>();
    const auto ids = row["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(IdsOf({text, true}), ids);
    // As a client sends it that leaves the control tokens to the model's chat template.
    const std::string begin = "user<|header_end|>\n\n", end = "<|eot|>";
    const size_t first = text.find(begin) + begin.size();
    EXPECT_EQ(IdsOf({text.substr(first, text.rfind(end) - first), false}), ids);
    const auto prompt = RenderRawPrompt(test::LlamaGuard4Policy(), {text}, {});
    ASSERT_TRUE(prompt.ok());
    EXPECT_EQ(RoleName(prompt->judged), row["messages"].back()["role"].get<std::string>());
    EXPECT_EQ(PromptText(*prompt), text);
    ++count;
  }
  EXPECT_EQ(count, 11);
}

TEST(RawPrompt, CategoriesAreThoseOfTheBlock) {
  for (const ordered_json& row : TextRows()) {
    SCOPED_TRACE(row["name"].get<std::string>());
    const auto read = CategoriesOfBlock(row["prompt"].get<std::string>(), "prompt");
    ASSERT_TRUE(read.ok()) << read.error().Message();
    if (row["categories"].is_object()) {
      std::vector<std::pair<std::string, std::string>> want;
      for (const auto& [key, text] : row["categories"].items()) want.emplace_back(key, text);
      EXPECT_EQ(*read, want);
    } else {
      const size_t excluded = row["excluded"].is_array() ? row["excluded"].size() : 0;
      EXPECT_EQ(read->size(), 14 - excluded);
      EXPECT_EQ(read->back(), std::pair(std::string("S14"), std::string("Code Interpreter Abuse.")));
    }
  }
  EXPECT_THAT(*CategoriesOfBlock("x<BEGIN UNSAFE CONTENT CATEGORIES>\nO1: A.\nShould not\n- a: b\n\nO2:B\n"
                                 "<END UNSAFE CONTENT CATEGORIES>\nO3: C.",
                                 "prompt"),
              ElementsAre(Pair("O1", "A.\nShould not\n- a: b"), Pair("O2", "B")));
  for (const char* none : {"", "S1: A.", "<BEGIN UNSAFE CONTENT CATEGORIES>\nS1: A.\n",
                           "<BEGIN UNSAFE CONTENT CATEGORIES><END UNSAFE CONTENT CATEGORIES>",
                           "<END UNSAFE CONTENT CATEGORIES><BEGIN UNSAFE CONTENT CATEGORIES>\nS1: A."}) {
    const auto read = CategoriesOfBlock(none, "prompt");
    ASSERT_FALSE(read.ok()) << none;
    EXPECT_EQ(read.error().code, ErrorCode::kBadInput);
    EXPECT_THAT(read.error().Message(), HasSubstr("prompt"));
  }
}

TEST(RawPrompt, OnlyThePolicysControlTokensAreSome) {
  const auto prompt = RenderRawPrompt(test::LlamaGuard4Policy(),
                                      {"a<|eot|><|image|><|python_start|><|header_end|>b<|eot"}, {});
  ASSERT_TRUE(prompt.ok());
  std::vector<std::string> controls, texts;
  for (const PromptItem& item : prompt->items)
    (item.kind == PromptItem::Kind::kControl ? controls : texts).push_back(item.value);
  EXPECT_THAT(controls, ElementsAre("<|eot|>", "<|header_end|>"));
  EXPECT_THAT(texts, ElementsAre("a", "<|image|><|python_start|>", "b<|eot"));
  // Between the policy's own, none is.
  const auto within = RenderRawPrompt(test::LlamaGuard4Policy(), {"a<|eot|>b", false}, {});
  ASSERT_TRUE(within.ok());
  EXPECT_EQ(PromptText(*within),
            "<|begin_of_text|><|header_start|>user<|header_end|>\n\na<|eot|>b<|eot|>"
            "<|header_start|>assistant<|header_end|>");
  int eots = 0;
  for (const PromptItem& item : within->items) eots += item.value == "<|eot|>";
  EXPECT_EQ(eots, 1);
}

TEST(RawPrompt, WhatCannotBeOneIsRefused) {
  EXPECT_FALSE(RenderRawPrompt(test::LlamaGuard4Policy(), {""}, {}).ok());
  Conversation both;
  both.AddUser("a");
  both.raw = RawPrompt{"b"};
  const auto prompt = RenderPrompt(test::LlamaGuard4Policy(), both, {});
  ASSERT_FALSE(prompt.ok());
  EXPECT_THAT(prompt.error().Message(), HasSubstr("raw prompt"));
}

TEST(RawPrompt, KnowsPromptsByTheirMarks) {
  const Policy policy = test::LlamaGuard4Policy();
  EXPECT_TRUE(HasCategoryBlock(policy));
  EXPECT_TRUE(BeginsWithControl(policy, "\n<|begin_of_text|>..."));
  EXPECT_FALSE(BeginsWithControl(policy, "Task: <|begin_of_text|>"));
}

}  // namespace
}  // namespace gatehouse

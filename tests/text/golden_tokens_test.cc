// All rows of tokens.jsonl, on which two independent libraries agree, from every form a tokenizer comes in.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "text_fixtures.h"

namespace gatehouse {
namespace {

constexpr size_t kRows = 992;

void ExpectRows(const std::string& name, const Tokenizer& tokenizer) {
  size_t checked = 0;
  for (const TokenRow& row : GoldenTokenRows()) {
    if (row.tokenizer != name) continue;
    ++checked;
    EXPECT_EQ(tokenizer.Encode(row.text), row.ids) << name << ": " << row.text;
    EXPECT_EQ(tokenizer.Decode(row.ids), row.text);
  }
  EXPECT_GT(checked, kRows / 3);
}

double Milliseconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since).count();
}

class GoldenTokens : public testing::TestWithParam<std::string> {};

TEST(GoldenRows, AreAllThere) { EXPECT_EQ(GoldenTokenRows().size(), kRows); }

TEST_P(GoldenTokens, FromJsonAndBinary) {
  const std::string json = GoldenTokenizerJson(GetParam());
  auto start = std::chrono::steady_clock::now();
  Result<TokenizerData> data = ReadTokenizerJson(json, GetParam());
  ASSERT_TRUE(data.ok()) << data.error().Message();
  auto tokenizer = Tokenizer::Create(data.value());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().Message();
  RecordProperty("json_ms", std::to_string(Milliseconds(start)));
  ExpectRows(GetParam(), *tokenizer.value());

  Result<std::string> stored = WriteTokenizerBinary(std::move(data).value());
  ASSERT_TRUE(stored.ok()) << stored.error().Message();
  start = std::chrono::steady_clock::now();
  Result<TokenizerData> again = ReadTokenizerBinary(stored.value(), "stored");
  ASSERT_TRUE(again.ok()) << again.error().Message();
  auto restored = Tokenizer::Create(std::move(again).value());
  ASSERT_TRUE(restored.ok()) << restored.error().Message();
  RecordProperty("binary_ms", std::to_string(Milliseconds(start)));
  ExpectRows(GetParam(), *restored.value());
}

TEST_P(GoldenTokens, FromModelFile) {
  const std::string path =
      std::string(GATEHOUSE_SOURCE_DIR) + "/../shared/data/tokenizer/" + GetParam() + ".tokenizer.model";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no tokenizer.model beside the repository";
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  Result<TokenizerData> data = ReadTokenizerModel(bytes.str(), path);
  ASSERT_TRUE(data.ok()) << data.error().Message();
  // The other form names the same control tokens.
  Result<TokenizerData> json = ReadTokenizerJson(GoldenTokenizerJson(GetParam()), GetParam());
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(data->vocab_size, json->vocab_size);
  ASSERT_EQ(data->controls.size(), json->controls.size());
  for (size_t index = 0; index < data->controls.size(); ++index) {
    EXPECT_EQ(data->controls[index].text, json->controls[index].text);
    EXPECT_EQ(data->controls[index].id, json->controls[index].id);
  }
  Result<std::string> stored = WriteTokenizerBinary(data.value());
  ASSERT_TRUE(stored.ok()) << stored.error().Message();
  Result<TokenizerData> again = ReadTokenizerBinary(stored.value(), "stored");
  ASSERT_TRUE(again.ok()) << again.error().Message();
  for (TokenizerData* form : {&data.value(), &again.value()}) {
    auto tokenizer = Tokenizer::Create(std::move(*form));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().Message();
    ExpectRows(GetParam(), *tokenizer.value());
  }
}

INSTANTIATE_TEST_SUITE_P(Families, GoldenTokens, testing::Values("llama4", "llama3"),
                         [](const auto& family) { return family.param; });

TEST(GoldenControls, AreAsPublished) {
  const auto tokenizer = LoadGoldenTokenizer("llama4");
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocab_size(), 202048);
  EXPECT_EQ(tokenizer->ControlId("<|begin_of_text|>"), 200000);
  EXPECT_EQ(tokenizer->ControlId("<|eot|>"), 200008);
  EXPECT_EQ(tokenizer->ControlId("<|patch|>"), 200092);
  EXPECT_EQ(tokenizer->ControlId("eot"), std::nullopt);
  EXPECT_TRUE(tokenizer->IsControl(200008));
  EXPECT_FALSE(tokenizer->IsControl(199999));
  EXPECT_FALSE(tokenizer->IsControl(-1));
  EXPECT_FALSE(tokenizer->IsControl(1 << 30));
  EXPECT_EQ(tokenizer->Decode(std::vector<int32_t>{200000, 64, 200008, -5, 1 << 30}),
            tokenizer->Decode(std::vector<int32_t>{64}));
}

}  // namespace
}  // namespace gatehouse

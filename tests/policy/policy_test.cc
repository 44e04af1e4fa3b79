// Policy files: what is read, and that every way to get one wrong is named.
#include "policy/policy.h"

#include <gmock/gmock.h>

#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// A small valid policy, in which `from` is replaced by `to`.
std::string Small(const std::string& from = "", const std::string& to = "") {
  std::string text =
      R"({"name":"p","categories":[{"key":"A","text":"a.","threshold":0.2},{"key":"B","text":"b.","modalities":["text"]}],
"category_line":"{key}: {text}\n","prompt":[{"control":"<|a|>"},{"text":"{CATEGORIES}{ROLE}"},{"messages":true}],
"message":[{"text":"{Role}: {content}"},{"images":true}],"join_text_parts":null,"strip":false,"role_names":{"user":"U","assistant":"V"},
"images":true,"verdict":{"safe":"s","unsafe":"u","lead":null,"separator":"\n","list_separator":","},"stop":["<|a|>"],
"max_prompt_tokens":100})";
  const size_t at = from.empty() ? std::string::npos : text.find(from);
  EXPECT_TRUE(from.empty() || at != std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Policy, BothPoliciesOfTheRepositoryAreRead) {
  const Policy guard = test::LlamaGuard4Policy(), starter = test::StarterPolicy();
  EXPECT_EQ(guard.name, "mlcommons-s14");
  ASSERT_EQ(guard.categories.size(), 14u);
  EXPECT_TRUE(guard.categories.back().text_only);
  EXPECT_EQ(guard.verdict.lead, "\n\n");
  EXPECT_EQ(guard.max_prompt_tokens, 8192);
  EXPECT_TRUE(guard.images);
  EXPECT_EQ(guard.threshold, 0.5);
  EXPECT_FALSE(starter.name.empty());
  EXPECT_FALSE(starter.images);
  EXPECT_FALSE(starter.verdict.lead.has_value());
}

TEST(Policy, AnotherFileInItsPlaceIsNamed) {
  const auto policy =
      ParsePolicy("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "p.json");
  ASSERT_FALSE(policy.ok());
  EXPECT_EQ(policy.error().code, ErrorCode::kModel);
  EXPECT_THAT(policy.error().Message(), HasSubstr("Git LFS pointer"));
}

TEST(Policy, OptionalFields) {
  const auto plain = ParsePolicy(Small(), "p.json");
  ASSERT_TRUE(plain.ok()) << plain.error().Message();
  EXPECT_EQ(plain->threshold, 0.5);
  EXPECT_EQ(plain->categories[0].threshold, 0.2);
  EXPECT_EQ(
      ParsePolicy(Small("\"images\":true,\"verdict\"", "\"threshold\":null,\"images\":true,\"verdict\""), "p")
          ->threshold,
      std::nullopt);
  const auto calibrated = ParsePolicy(
      Small("\"stop\"", "\"calibration\":{\"scale\":2,\"bias\":-1},\"threshold\":0.7,\"stop\""), "p");
  EXPECT_EQ(calibrated->calibration_scale, 2.0);
  EXPECT_EQ(calibrated->calibration_bias, -1.0);
  EXPECT_EQ(calibrated->threshold, 0.7);
}

TEST(Policy, EveryMistakeIsNamed) {
  const struct {
    const char *from, *to, *expected;
  } cases[] = {
      {"\"name\":\"p\"", "\"name\":\"p\",\"name\":\"q\"", "\"name\" twice"},
      {"\"name\":\"p\"", "\"nam\":\"p\"", "unknown field in p.json: nam"},
      {"\"name\":\"p\"", "\"name\":7", "p.json: name: expected a string, found 7"},
      {"\"key\":\"B\"", "\"key\":\"A\"", "category listed twice"},
      {"\"key\":\"B\"", "\"key\":\"B,C\"", "categories[1]: key"},
      {"\"key\":\"B\"", "\"key\":\"\"", "categories[1]: key"},
      {"\"text\":\"b.\"", "\"txt\":\"b.\"", "categories[1]: txt"},
      {"[\"text\"]", "[\"audio\"]", "modalities"},
      {"0.2", "1.5", "threshold"},
      {"0.2", "\"x\"", "threshold"},
      {"{CATEGORIES}", "{CATS}", "unknown substitution"},
      {"{content}", "{contents}", "unknown substitution"},
      {"{key}", "{role}", "unknown substitution"},
      {",{\"messages\":true}", "", "exactly one {\"messages\": true}"},
      {"{\"messages\":true}", "{\"messages\":true},{\"messages\":true}", "exactly one {\"messages\": true}"},
      {"{\"messages\":true}", "{\"messages\":false}", "expected true"},
      {"{\"messages\":true}", "{\"messages\":true,\"text\":\"\"}", "one field"},
      {"{Role}: {content}", "{Role}: ", "exactly one text with {content}"},
      {",{\"images\":true}", "", "since images is true"},
      {"\"strip\":false", "\"strip\":\"no\"", "true or false"},
      {"\"assistant\":\"V\"", "\"agent\":\"V\"", "role_names: agent"},
      {"\"safe\":\"s\"", "\"safe\":\"\"", "not empty"},
      {"\"stop\":[\"<|a|>\"]", "\"stop\":[]", "stop"},
      {"\"stop\":[\"<|a|>\"]", "\"stop\":[1]", "stop"},
      {":100", ":0", "max_prompt_tokens"},
      {"\"name\"", "\xFF", "malformed JSON"},
      {"\"stop\"", "\"calibration\":{\"scale\":-1},\"stop\"", "scale"},
  };
  for (const auto& c : cases) {
    const auto policy = ParsePolicy(Small(c.from, c.to), "p.json");
    ASSERT_FALSE(policy.ok()) << c.from << " -> " << c.to;
    EXPECT_EQ(policy.error().code, ErrorCode::kModel);
    EXPECT_THAT(policy.error().Message(), HasSubstr(c.expected)) << c.from << " -> " << c.to;
  }
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("{}"), std::string(100000, '[')}) {
    EXPECT_FALSE(ParsePolicy(text, "p.json").ok());
  }
}

std::string Keys(const CategoryChoice& choice, bool image = false) {
  const auto chosen = ChooseCategories(*ParsePolicy(Small(), "p"), choice, image);
  if (!chosen.ok())
    return chosen.error().code == ErrorCode::kBadInput ? chosen.error().Message() : "wrong code";
  std::string out;
  for (const Category& category : *chosen) out += category.key;
  return out;
}

TEST(Categories, ChoiceExclusionAndImages) {
  EXPECT_EQ(Keys({}), "AB");
  EXPECT_EQ(Keys({}, true), "A");
  EXPECT_EQ(Keys({{}, {"B", "A"}, {}}, true), "BA");
  EXPECT_EQ(Keys({{{"Z", "z"}, {"B", "b"}}, {}, {}}, true), "ZB");
  EXPECT_EQ(Keys({{}, {}, {"A"}}), "B");
  EXPECT_EQ(Keys({{}, {}, {"B"}}, true), "A");
  EXPECT_EQ(Keys({{{"Z", "z"}, {"B", "b"}}, {}, {"Z"}}), "B");
  EXPECT_THAT(Keys({{}, {}, {"Q"}}), HasSubstr("unknown category in exclude"));
  EXPECT_THAT(Keys({{{"Z", "z"}}, {}, {"A"}}), HasSubstr("unknown category in exclude"));
  EXPECT_THAT(Keys({{}, {"Q"}, {}}), HasSubstr("unknown category in categories"));
  EXPECT_THAT(Keys({{}, {"A", "A"}, {}}), HasSubstr("twice"));
  EXPECT_THAT(Keys({{{"", "z"}}, {}, {}}), HasSubstr("bad category key"));
  EXPECT_THAT(Keys({{}, {}, {"A", "B"}}), HasSubstr("no category left"));
  EXPECT_THAT(Keys({{}, {}, {"A"}}, true), HasSubstr("no category left"));
}

}  // namespace
}  // namespace gatehouse

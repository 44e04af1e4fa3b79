// Rows that hold a conversation: our own JSONL, image manifests, GuardBench.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

DatasetFormat Gatehouse() {
  DatasetFormat format;
  format.format = "gatehouse";
  return format;
}

TEST(GatehouseRows, AWholeRow) {
  const auto result =
      ReadText("set.jsonl",
               R"({"id": "r1", "source": "src", "split": "test", "language": "fr", )"
               R"("role": "assistant", "messages": [{"role": "user", "content": "bonjour"}, )"
               R"({"role": "assistant", "content": [{"type": "text", "text": "salut"}]}], )"
               R"("label": "unsafe", "categories": ["S9", "S1"], "categories_known": true, )"
               R"("score": 0.5, "turn": 3, "gold": true, "none": null, "deep": {"a": 1}, )"
               R"("long": "01234567890123456789012345678901234567890123456789012345678901234", )"
               R"("just": "0123456789012345678901234567890123456789012345678901234567890123"})",
               Gatehouse());
  ASSERT_TRUE(result.problems.empty()) << result.problems[0].reason;
  ASSERT_EQ(result.rows.size(), 1u);
  const EvalRow& row = result.rows[0];
  EXPECT_EQ(row.id, "r1");
  EXPECT_EQ(row.source, "src");
  EXPECT_EQ(row.language, "fr");
  EXPECT_EQ(row.role(), Role::kAssistant);
  EXPECT_EQ(Shown(row.conversation), "user: bonjour | assistant: salut");
  EXPECT_TRUE(row.unsafe);
  EXPECT_THAT(row.categories, ElementsAre("S9", "S1"));
  EXPECT_TRUE(row.categories_known);
  using Field = std::pair<std::string, std::string>;
  EXPECT_THAT(
      row.fields,
      ElementsAre(Field("split", "test"), Field("score", "0.5"), Field("turn", "3"), Field("gold", "true"),
                  Field("just", "0123456789012345678901234567890123456789012345678901234567890123")));
}

// The rest of a row about a user's message, put behind `{"messages": [...], `.
std::string With(const std::string& rest) {
  return R"({"messages":[{"role":"user","content":"x"}],)" + rest + "}\n";
}

TEST(GatehouseRows, LabelsAndCategories) {
  const struct {
    const char* rest;
    bool unsafe;
    std::vector<std::string> categories;
    bool known;
  } cases[] = {
      {R"("label":"safe")", false, {}, true},
      {R"("label":"Unsafe")", true, {}, false},
      {R"("label":0)", false, {}, true},
      {R"("label":1)", true, {}, false},
      {R"("label":false)", false, {}, true},
      {R"("label":true,"categories":["S3"])", true, {"S3"}, true},
      {R"("label":true,"categories":["S3","S3"])", true, {"S3"}, true},
      {R"("label":1,"categories":["S3"],"categories_known":false)", true, {"S3"}, false},
      {R"("label":1,"categories":[],"categories_known":true)", true, {}, false},
      {R"("label":1,"categories":null,"categories_known":null,"role":null)", true, {}, false},
      {R"("label":"safe","categories":[],"categories_known":true,"role":"user")", false, {}, true},
  };
  for (const auto& c : cases) {
    const auto result = ReadText("x.jsonl", With(c.rest), Gatehouse());
    ASSERT_EQ(result.rows.size(), 1u) << c.rest << (result.problems.empty() ? "" : result.problems[0].reason);
    EXPECT_EQ(result.rows[0].unsafe, c.unsafe) << c.rest;
    EXPECT_EQ(result.rows[0].categories, c.categories) << c.rest;
    EXPECT_EQ(result.rows[0].categories_known, c.known) << c.rest;
  }
}

TEST(GatehouseRows, EveryProblemIsSaidWithItsLineAndTheRestGoesOn) {
  const struct {
    std::string row;
    const char* reason;
  } cases[] = {
      {With(R"("label":"maybe")"), "label: expected safe or unsafe"},
      {With(R"("label":2)"), "found 2"},
      {With(R"("label":0.5)"), "found 0.5"},
      {With(R"("label":null)"), "found null"},
      {With(R"("label":[1])"), "unknown label"},
      {With(R"("split":"test")"), "no label"},
      {With(R"("label":1,"role":"assistant")"), "role differs from the last message's"},
      {With(R"("label":1,"role":7)"), "role differs"},
      {With(R"("label":1,"role":[])"), "malformed field in role"},
      {With(R"("label":1,"categories":[1])"), "malformed categories"},
      {With(R"("label":1,"categories":7)"), "malformed categories"},
      {With(R"("label":0,"categories":["S1"])"), "categories of a safe row"},
      {With(R"("label":1,"categories_known":"yes")"), "malformed field in categories_known"},
      {With(R"("label":1,"label":0)"), "key \"label\" twice"},
      {With(R"("label":1,"conversation":[])"), "two conversations"},
      {R"({"label":1})"
       "\n",
       "no conversation"},
      {R"({"label":1,"messages":[]})"
       "\n",
       "a list with at least one message"},
      {R"({"label":1,"messages":null,"conversation":""})"
       "\n",
       "no conversation"},
      {R"({"label":1,"messages":"hi"})"
       "\n",
       "a list of messages"},
      {R"({"label":1,"messages":{"messages":[{"role":"user","content":"x"}]}})"
       "\n",
       "a list of messages"},
      {R"({"label":1,"messages":[{"role":"assistant","content":"x"}]})"
       "\n",
       "roles must alternate"},
      {R"({"label":1,"messages":[{"role":"system","content":"x"}]})"
       "\n",
       "system messages are not judged"},
      {R"({"label":1,"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]})"
       "\n",
       "messages[1].role"},
      {R"({"label":1,"messages":[{"role":"user"}]})"
       "\n",
       "message without content"},
      {R"({"label":1,"messages":[{"role":"user","content":[{"type":"image","path":"gone.png"}]}]})"
       "\n",
       "gone.png"},
      {R"({"label":1,"messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:x"}]}]})"
       "\n",
       "data:"},
      {R"({"label":1,"images":["a.png"],"messages":[{"role":"user","content":"x"}]})"
       "\n",
       "not judged in images"},
      {R"({"label":1,"response":"yes","conversation":[{"role":"user","content":"x"}]})"
       "\n",
       "not judged in response"},
      {R"({"label":1,"image":"DATA:image/png;base64,!","prompt":"x"})"
       "\n",
       "data URL"},
      {"{\"label\":1,\n", "malformed JSON"},
      {"[1]\n", "expected a JSON object, found [1]"},
      {"{\"label\":\"\xC3\x28\"}\n", "invalid UTF-8 at byte 11 of the record"},
      {"{\"a\":" + std::string(70, '[') + std::string(70, ']') + "}\n", "more than 64 levels"},
  };
  for (const auto& c : cases) {
    const std::string good = With(R"("label":1)");
    const auto result = ReadText("x.jsonl", good + "\n" + c.row + good, Gatehouse());
    EXPECT_FALSE(result.error.has_value()) << c.row;
    EXPECT_EQ(result.rows.size(), 2u) << c.row;
    ASSERT_EQ(result.problems.size(), 1u) << c.row;
    EXPECT_EQ(result.problems[0].line, 3) << c.row;
    EXPECT_THAT(result.problems[0].file, HasSubstr("/x.jsonl"));
    EXPECT_THAT(result.problems[0].reason, HasSubstr(c.reason)) << c.row;
    EXPECT_LE(result.problems[0].reason.size(), 410u);
  }
}

TEST(GatehouseRows, NamesThatTheRowDoesNotSay) {
  DatasetFormat format = Gatehouse();
  const std::string rows = With(R"("label":1)") + "bad\n" + With(R"("label":1,"id":7)") +
                           With(R"("label":1,"source":"s","language":"de")");
  auto result = ReadText("my.set.jsonl", rows, format);
  ASSERT_EQ(result.rows.size(), 3u);
  EXPECT_EQ(result.rows[0].id, "my.set:1");
  EXPECT_EQ(result.rows[0].source, "my.set");
  EXPECT_EQ(result.rows[0].language, "");
  EXPECT_EQ(result.rows[1].id, "7");
  EXPECT_EQ(result.rows[2].id, "s:4");
  format.source = "given";
  format.language = "th";
  format.label = "safe";
  result = ReadText("x.jsonl", rows + With(R"("n":1)"), format);
  ASSERT_EQ(result.rows.size(), 4u);
  EXPECT_EQ(result.rows[0].id, "given:1");
  EXPECT_EQ(result.rows[0].language, "th");
  EXPECT_TRUE(result.rows[0].unsafe);  // its own label
  EXPECT_EQ(result.rows[2].language, "de");
  EXPECT_FALSE(result.rows[3].unsafe);  // the file's
}

TEST(GatehouseRows, MarkAndCarriageReturns) {
  const std::string row = With(R"("label":1)");
  const std::string crlf = row.substr(0, row.size() - 1) + "\r\n";
  const auto result = ReadText("x.jsonl", "\xEF\xBB\xBF" + crlf + "\r\n" + crlf, Gatehouse());
  EXPECT_EQ(result.rows.size(), 2u);
  EXPECT_TRUE(result.problems.empty());
}

TEST(GatehouseRows, ImagesLieUnderTheFolder) {
  const TempFolder folder;
  folder.Write("pictures/a.png", "12345");
  folder.Write("data/pictures/a.png", "123");
  folder.Write("secret.png", "1234567");
  const auto row = [](const std::string& path) {
    return R"({"label":1,"messages":[{"role":"user","content":[{"type":"image","path":")" + path +
           R"("},{"type":"text","text":"look"}]}]})"
           "\n";
  };
  const std::string path =
      folder.Write("data/x.jsonl", row("pictures/a.png") + row("../secret.png") +
                                       row(folder.path() + "/secret.png") + row("pictures/../../secret.png"));
  auto result = ReadData(path, Gatehouse());
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: [image 3] look");
  EXPECT_EQ(result.rows[0].images(), 1);
  ASSERT_EQ(result.problems.size(), 3u);
  for (const RowProblem& problem : result.problems)
    EXPECT_THAT(problem.reason, HasSubstr("image path leads elsewhere"));
  DatasetFormat format = Gatehouse();
  format.image_root = folder.path();
  result = ReadData(path, format);
  EXPECT_EQ(result.problems.size(), 2u);  // one path is absolute, and lies under the root
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: [image 5] look");
  EXPECT_EQ(Shown(result.rows[1].conversation), "user: [image 7] look");
}

TEST(GatehouseRows, ManifestsOfImages) {
  const TempFolder folder;
  folder.Write("a.png", "1234");
  const auto result = ReadData(
      folder.Write(
          "manifest.jsonl",
          R"({"id":"m1","source":"s","language":"en","image":"a.png","image_text":"Steps.","label":"unsafe","categories":["S2"],"categories_known":true})"
          "\n"
          R"({"id":"m2","image":"a.png","prompt":"explain","label":"safe"})"
          "\n"
          R"({"id":"m3","image":"a.png","role":"assistant","label":"safe"})"
          "\n"
          R"({"id":"m4","image":["a.png"],"label":"safe"})"
          "\n"),
      {});
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: [image 4]");
  EXPECT_THAT(result.rows[0].categories, ElementsAre("S2"));
  EXPECT_EQ(Field(result.rows[0], "image_text"), "Steps.");
  EXPECT_EQ(Shown(result.rows[1].conversation), "user: [image 4] explain");
  ASSERT_EQ(result.problems.size(), 2u);
  EXPECT_THAT(result.problems[0].reason, HasSubstr("role differs"));
  EXPECT_THAT(result.problems[1].reason, HasSubstr("malformed field in image"));
}

TEST(GuardBenchRows, ConversationsWithABooleanLabel) {
  DatasetFormat format;
  format.format = "guardbench";
  const auto result = ReadText(
      "gb.jsonl",
      R"({"id":12,"label":true,"conversation":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})"
      "\n"
      R"({"id":"x","label":false,"conversation":[{"role":"user","content":"a"}]})"
      "\n"
      R"({"id":"y","label":false,"conversation":{"role":"user","content":"a"}})"
      "\n",
      format);
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0].id, "12");
  EXPECT_TRUE(result.rows[0].unsafe);
  EXPECT_FALSE(result.rows[0].categories_known);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: a | assistant: b");
  EXPECT_EQ(result.rows[0].source, "gb");
  EXPECT_FALSE(result.rows[1].unsafe);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].line, 3);
}

}  // namespace
}  // namespace gatehouse

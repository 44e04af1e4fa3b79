// Rows of any CSV or JSONL file, by a map of its columns.
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
using Pairs = std::vector<std::pair<std::string, std::string>>;

DatasetFormat Map(const std::string& name, Pairs map, Pairs categories = {}) {
  DatasetFormat format;
  format.format = name;
  format.map = std::move(map);
  format.category_map = std::move(categories);
  return format;
}

TEST(MappedRows, EveryFieldOfCsv) {
  const auto result =
      ReadText("x.csv",
               "n,q,a,bad,topic,lang,from,extra,\nrow1,\"What,\n\"\"now\"\"?\",That,yes,guns,de,here,e1,0\n"
               "17,Hi,,no,,,,,1\n",
               Map("csv",
                   {{"prompt", "q"},
                    {"response", "a"},
                    {"label", "bad"},
                    {"category", "topic"},
                    {"id", "n"},
                    {"language", "lang"},
                    {"source", "from"}},
                   {{"guns", "S9"}}));
  ASSERT_TRUE(result.problems.empty() && !result.error.has_value());
  ASSERT_EQ(result.rows.size(), 2u);
  const EvalRow& row = result.rows[0];
  EXPECT_EQ(row.id, "row1");
  EXPECT_EQ(row.source, "here");
  EXPECT_EQ(row.language, "de");
  EXPECT_EQ(Shown(row.conversation), "user: What,\n\"now\"? | assistant: That");
  EXPECT_TRUE(row.unsafe);
  EXPECT_THAT(row.categories, ElementsAre("S9"));
  EXPECT_TRUE(row.categories_known);
  // What was translated stays to group by; what the row holds already does not.
  EXPECT_EQ(row.fields, (Pairs{{"topic", "guns"}, {"extra", "e1"}}));
  EXPECT_EQ(result.rows[1].id, "17");
  EXPECT_EQ(result.rows[1].id_json, "\"17\"");  // text, as everything in a table
  EXPECT_EQ(Shown(result.rows[1].conversation), "user: Hi");
  EXPECT_FALSE(result.rows[1].unsafe);
}

// Names that hold separators are looked for from every place, so a long cell takes linear time or hours.
TEST(MappedRows, NamesWithoutEndInACell) {
  const auto cell = [](int names) {
    std::string out;
    for (int i = 0; i < names; ++i) out += "a,";
    return ReadText(
        "x.csv", "q,bad,topic\nHi,yes,\"" + out + "guns, knives\"\n",
        Map("csv", {{"prompt", "q"}, {"label", "bad"}, {"category", "topic"}}, {{"guns, knives", "S9"}}));
  };
  const auto some = cell(3);
  ASSERT_EQ(some.rows.size(), 1u);
  EXPECT_THAT(some.rows[0].categories, ElementsAre("S9"));
  EXPECT_THAT(some.rows[0].unlisted_categories, ElementsAre("a"));
  const auto many = cell(200000);
  ASSERT_EQ(many.problems.size(), 1u);
  EXPECT_THAT(many.problems[0].reason, HasSubstr("too many categories"));
}

TEST(MappedRows, LabelWords) {
  const struct {
    const char* word;
    bool unsafe;
  } cases[] = {{"1", true},          {"true", true},         {"True", true},
               {"yes", true},        {"unsafe", true},       {"harmful", true},
               {" TOXIC ", true},    {"hateful", true},      {"0", false},
               {"false", false},     {"No", false},          {"safe", false},
               {"1.0", true},        {"0.00", false},        {"1.", true},
               {"T", true},          {"f", false},           {"Y", true},
               {"n", false},         {"non_toxic", false},   {"Non toxic", false},
               {"harmless", false},  {"benign", false},      {"unharmful", false},
               {"non-toxic", false}, {"non-hateful", false}, {"non-harmful", false}};
  for (const bool turned : {false, true}) {
    for (const auto& c : cases) {
      const auto result = ReadText("x.csv", std::string("q,l\nhi,") + c.word + "\n",
                                   Map("csv", {{"prompt", "q"}, {"label", turned ? "!l" : "l"}}));
      ASSERT_EQ(result.rows.size(), 1u) << c.word;
      EXPECT_EQ(result.rows[0].unsafe, c.unsafe != turned) << c.word;
    }
  }
  for (const char* word :
       {"", "2", "maybe", "-1", "0.5", "1.01", "1.0.0", "01", "1e0", "unknown", "None", "nan"}) {
    const auto result = ReadText("x.csv", std::string("q,l\nhi,") + word + "\nhi,1\n",
                                 Map("csv", {{"prompt", "q"}, {"label", "l"}}));
    EXPECT_EQ(result.rows.size(), 1u) << word;
    ASSERT_EQ(result.problems.size(), 1u) << word;
    EXPECT_EQ(result.problems[0].line, 2);
    EXPECT_THAT(result.problems[0].reason, AllOf(HasSubstr("unknown label in l"), HasSubstr(word)));
  }
}

TEST(MappedRows, Categories) {
  const Pairs map = {
      {"guns", "S9"}, {"hate", "S10"}, {"slurs", "S10"}, {"it's", "S1"}, {"hate, aiding and abetting", "S2"}};
  const struct {
    const char* value;  // JSON
    std::vector<std::string> categories;
    bool known;
  } cases[] = {
      {R"("guns")", {"S9"}, true},
      {R"("Guns")", {}, false},
      {R"("")", {}, false},
      {"null", {}, false},
      {R"(["guns","hate"])", {"S9", "S10"}, true},
      {R"(["hate","slurs"])", {"S10"}, true},
      {R"(["guns","theft"])", {"S9"}, false},
      {"[]", {}, false},
      {R"("[\"guns\", \"hate\"]")", {"S9", "S10"}, true},
      {R"("['guns', 'hate']")", {"S9", "S10"}, true},
      {R"("['guns', \"it's\"]")", {"S9", "S1"}, true},
      {R"("[]")", {}, false},
      {R"("guns,hate")", {"S9", "S10"}, true},
      {R"(" guns , hate ")", {"S9", "S10"}, true},
      {R"("guns; slurs|hate")", {"S9", "S10"}, true},
      {R"("guns\nhate,")", {"S9", "S10"}, true},
      {R"("guns, theft")", {"S9"}, false},
      {R"("hate, aiding and abetting, guns")", {"S2", "S9"}, true},
      {R"x("('guns', 'hate')")x", {"S9", "S10"}, true},
      {R"("{'hate'}")", {"S10"}, true},
      {R"("{'guns': True, 'hate': False}")", {"S9"}, true},
      {R"("['guns',]")", {"S9"}, true},
      {R"("['a\\'b']")", {}, false},
      {R"({"guns":true,"hate":false,"theft":false})", {"S9"}, true},
      {R"({"guns":true,"theft":true})", {"S9"}, false},
  };
  for (const auto& c : cases) {
    const auto result = ReadText("x.jsonl",
                                 std::string(R"({"q":"hi","l":1,"c":)") + c.value + "}\n" +
                                     R"({"q":"hi","l":0,"c":)" + c.value + "}\n",
                                 Map("jsonl", {{"prompt", "q"}, {"label", "l"}, {"category", "c"}}, map));
    ASSERT_EQ(result.rows.size(), 2u)
        << c.value << (result.problems.empty() ? "" : result.problems[0].reason);
    EXPECT_EQ(result.rows[0].categories, c.categories) << c.value;
    EXPECT_EQ(result.rows[0].categories_known, c.known) << c.value;
    // A safe row has none, whatever its topic.
    EXPECT_TRUE(result.rows[1].categories.empty() && result.rows[1].categories_known) << c.value;
  }
  for (const char* value :
       {"7", "[7]", R"({"guns":1})", R"("[guns]")", R"("['guns'")", R"("[guns, hate]")"}) {
    const auto result = ReadText("x.jsonl", std::string(R"({"q":"hi","l":1,"c":)") + value + "}\n",
                                 Map("jsonl", {{"prompt", "q"}, {"label", "l"}, {"category", "c"}}, map));
    ASSERT_EQ(result.problems.size(), 1u) << value;
    EXPECT_THAT(result.problems[0].reason, HasSubstr("malformed categories in c")) << value;
  }
  // Without a table the values are keys.
  const auto result =
      ReadText("x.csv", "q,l,c\nhi,1,S5\n", Map("csv", {{"prompt", "q"}, {"label", "l"}, {"category", "c"}}));
  EXPECT_THAT(result.rows.at(0).categories, ElementsAre("S5"));
  EXPECT_TRUE(result.rows[0].categories_known);
}

TEST(MappedRows, PathsInJsonl) {
  const auto result = ReadText(
      "x.jsonl",
      R"({"in":{"text":"a","more":{"reply":"b"}},"meta.id":"whole","meta":{"id":"parts","bad":true},"n":1})"
      "\n"
      R"({"in":{"text":"a","more":null},"meta":{"id":"parts","bad":false}})"
      "\n"
      R"({"in":"flat","meta":{"bad":false}})"
      "\n"
      R"({"in":{"text":7},"meta":{"bad":false}})"
      "\n"
      R"({"in":{"text":""},"meta":{"bad":false}})"
      "\n"
      R"({"in":{"text":"a"},"meta":{}})"
      "\n",
      Map("jsonl",
          {{"prompt", "in.text"}, {"response", "in.more.reply"}, {"label", "meta.bad"}, {"id", "meta.id"}}));
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: a | assistant: b");
  EXPECT_EQ(result.rows[0].id, "whole");
  EXPECT_TRUE(result.rows[0].unsafe);
  EXPECT_EQ(result.rows[0].fields, (Pairs{{"n", "1"}}));
  EXPECT_EQ(Shown(result.rows[1].conversation), "user: a");
  EXPECT_EQ(result.rows[1].id, "parts");
  ASSERT_EQ(result.problems.size(), 4u);
  EXPECT_THAT(result.problems[0].reason, HasSubstr("no prompt in in.text"));
  EXPECT_THAT(result.problems[1].reason, HasSubstr("malformed field in in.text: expected a string, found 7"));
  EXPECT_THAT(result.problems[2].reason, HasSubstr("no prompt in in.text"));
  EXPECT_THAT(result.problems[3].reason, HasSubstr("no label in meta.bad"));
}

TEST(MappedRows, RowsThatDoNotFitTheHeader) {
  const auto result = ReadText("x.csv", "q,l\nhi\nhi,1,2\nhi,1\n,1\n\"a\"b,1\nok,0\n",
                               Map("csv", {{"prompt", "q"}, {"label", "l"}}));
  EXPECT_EQ(result.rows.size(), 2u);
  ASSERT_EQ(result.problems.size(), 4u);
  EXPECT_THAT(result.problems[0].reason, HasSubstr("expected 2 fields as in the header, found 1"));
  EXPECT_THAT(result.problems[1].reason, HasSubstr("found 3"));
  EXPECT_THAT(result.problems[2].reason, HasSubstr("no prompt in q"));
  EXPECT_EQ(result.problems[2].line, 5);
  EXPECT_THAT(result.problems[3].reason, HasSubstr("text behind the quote"));
}

TEST(MappedRows, MapsThatMakeNoSense) {
  const struct {
    Pairs map;
    const char* label;
    const char* reason;
  } cases[] = {
      {{{"prompt", "q"}}, "", "no label, or two"},
      {{{"prompt", "q"}, {"label", "l"}}, "unsafe", "found both"},
      {{{"label", "l"}}, "", "incomplete map"},
      {{{"prompt", "q"}, {"messages", "q"}, {"label", "l"}}, "", "both prompt and messages"},
      {{}, "unsafe", "incomplete map"},
      {{{"prompt", "question"}, {"label", "l"}}, "", "no such column"},
      {{{"prompt", "q"}, {"label", "!ll"}}, "", "expected ll, found q, l"},
      {{{"prompt", "q"}, {"label", "l"}, {"text", "q"}}, "", "\"text\""},
      {{{"prompt", "q"}, {"label", "l"}, {"prompt", "l"}}, "", "\"prompt\" twice"},
      {{{"prompt", "q"}, {"label", "!"}}, "", "a column for label"},
  };
  for (const auto& c : cases) {
    DatasetFormat format = Map("csv", c.map);
    format.label = c.label;
    const auto result = ReadText("x.csv", "q,l\nhi,1\n", format);
    EXPECT_FALSE(result.opened) << c.reason;
    ASSERT_TRUE(result.error.has_value()) << c.reason;
    EXPECT_EQ(result.error->code, ErrorCode::kBadInput);
    EXPECT_THAT(result.error->Message(), AllOf(HasSubstr(c.reason), HasSubstr("x.csv")));
  }
}

TEST(MappedRows, OneLabelForAllRowsAndTabs) {
  DatasetFormat format = Map("csv", {{"prompt", "q"}});
  format.label = "unsafe";
  const auto result = ReadText("x.tsv.gz", Gzip("q\tr\na,b\t\"c\td\"\n"), format);
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(Shown(result.rows[0].conversation), "user: a,b");
  EXPECT_TRUE(result.rows[0].unsafe);
  EXPECT_FALSE(result.rows[0].categories_known);
  EXPECT_EQ(Field(result.rows[0], "r"), "c\td");
  EXPECT_EQ(result.rows[0].source, "x");
}

}  // namespace
}  // namespace gatehouse

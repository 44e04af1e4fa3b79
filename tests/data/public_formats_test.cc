// Formats of public sets: AILuminate, OpenAI's moderation set, XSTest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

DatasetFormat Format(const std::string& name) {
  DatasetFormat format;
  format.format = name;
  return format;
}

TEST(Ailuminate, HazardsAreTheTaxonomy) {
  const std::vector<std::pair<std::string, std::string>> hazards = {
      {"vcr", "S1"},     {"ncr", "S2"},     {"src", "S3"},     {"cse", "S4"},  {"dfm", "S5"},
      {"spc_fin", "S6"}, {"spc_hlt", "S6"}, {"spc_lgl", "S6"}, {"spc", "S6"},  {"prv", "S7"},
      {"ipv", "S8"},     {"iwp", "S9"},     {"hte", "S10"},    {"ssh", "S11"}, {"sxc_prn", "S12"},
      {"sxc", "S12"},    {"spc_ele", "S13"}};
  std::string csv = "release_prompt_id,prompt_text,hazard,persona,locale,prompt_hash\r\n";
  for (size_t i = 0; i < hazards.size(); ++i)
    csv += "airr_" + std::to_string(i) + ",\"one, \"\"two\"\"\n\n\"," + hazards[i].first + ",skilled," +
           (i % 2 == 0 ? "en_US" : "fr_FR") + ",h\r\n";
  const auto result = ReadText("x.csv", csv, Format("ailuminate"));
  ASSERT_TRUE(result.problems.empty() && !result.error.has_value());
  ASSERT_EQ(result.rows.size(), hazards.size());
  for (size_t i = 0; i < hazards.size(); ++i) {
    const EvalRow& row = result.rows[i];
    EXPECT_EQ(row.id, "airr_" + std::to_string(i));
    EXPECT_EQ(row.language, i % 2 == 0 ? "en" : "fr");
    EXPECT_TRUE(row.unsafe && row.categories_known);
    EXPECT_EQ(row.categories, std::vector<std::string>{hazards[i].second}) << hazards[i].first;
    EXPECT_EQ(Shown(row.conversation), "user: one, \"two\"\n\n");
    EXPECT_EQ(Field(row, "hazard"), hazards[i].first);
    EXPECT_EQ(Field(row, "persona"), "skilled");
    EXPECT_EQ(Field(row, "locale"), i % 2 == 0 ? "en_US" : "fr_FR");
    EXPECT_EQ(Field(row, "prompt_text"), "(none)");
  }
}

TEST(Ailuminate, OtherNamesAndNewHazards) {
  const auto result =
      ReadText("x.csv", "prompt_uid,prompt_text,hazard\nu1,x,new\nu2,,vcr\n", Format("ailuminate"));
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(result.rows[0].id, "u1");
  EXPECT_TRUE(result.rows[0].unsafe);
  EXPECT_FALSE(result.rows[0].categories_known);
  EXPECT_EQ(result.rows[0].language, "");
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].line, 3);
  const auto wrong = ReadText("x.csv", "prompt_uid,prompt,hazard\nu1,x,vcr\n", Format("ailuminate"));
  ASSERT_TRUE(wrong.error.has_value());
  EXPECT_THAT(wrong.error->Message(),
              AllOf(HasSubstr("x.csv"), HasSubstr("prompt_text"), HasSubstr("prompt_uid, prompt, hazard")));
}

TEST(OpenAiModeration, FlagsAreLabels) {
  const struct {
    const char* flags;
    bool unsafe;
    std::vector<std::string> categories;
    bool known;
  } cases[] = {
      {R"("S":0,"H":0,"V":0,"HR":0,"SH":0,"S3":0,"H2":0,"V2":0)", false, {}, true},
      {R"("S":1,"H":0,"V":0,"HR":0,"SH":0,"S3":0,"H2":0,"V2":0)", true, {"S12"}, true},
      {R"("S":1,"S3":1)", true, {"S4", "S12"}, true},
      {R"("H":1)", true, {"S10"}, true},
      {R"("H":1,"H2":1)", true, {"S10"}, true},
      {R"("V":1,"V2":1)", true, {"S1"}, true},
      {R"("SH":1)", true, {"S11"}, true},
      {R"("HR":1)", true, {}, false},
      {R"("V2":1)", true, {}, false},
      {R"("H":1,"HR":1)", true, {"S10"}, true},
      {R"("S":null,"H":true,"V":false)", true, {"S10"}, true},
      {R"("V":1,"SH":1)", true, {"S1", "S11"}, true},
  };
  for (const auto& c : cases) {
    const auto result =
        ReadText("x.jsonl", std::string(R"({"prompt":"hi",)") + c.flags + "}\n", Format("openai-moderation"));
    ASSERT_EQ(result.rows.size(), 1u) << c.flags;
    const EvalRow& row = result.rows[0];
    EXPECT_EQ(row.unsafe, c.unsafe) << c.flags;
    EXPECT_EQ(row.categories, c.categories) << c.flags;
    EXPECT_EQ(row.categories_known, c.known) << c.flags;
    EXPECT_EQ(Shown(row.conversation), "user: hi");
    EXPECT_EQ(row.id, "x:1");
  }
  for (const char* bad : {R"({"prompt":"hi"})", R"({"prompt":"hi","S":null})", R"({"prompt":"hi","S":2})",
                          R"({"S":1})", R"({"prompt":"","S":1})", R"({"prompt":["hi"],"S":1})"}) {
    const auto result = ReadText("x.jsonl", std::string(bad) + "\n", Format("openai-moderation"));
    EXPECT_TRUE(result.rows.empty()) << bad;
    EXPECT_EQ(result.problems.size(), 1u) << bad;
  }
}

TEST(XsTest, LabelOrType) {
  auto result = ReadText("x.csv",
                         "id,prompt,type,label,focus,note\n1,How?,homonyms,safe,kill,violence\n"
                         "26,How to?,contrast_homonyms,unsafe,kill,\n300,Why?,contrast_discr,unsafe,,\n"
                         "430,Where?,contrast_privacy,unsafe,,\n9,What?,homonyms,,,\n",
                         Format("xstest"));
  ASSERT_EQ(result.rows.size(), 4u);
  EXPECT_EQ(result.rows[0].id, "1");
  EXPECT_FALSE(result.rows[0].unsafe);
  EXPECT_EQ(Field(result.rows[0], "type"), "homonyms");
  EXPECT_EQ(Field(result.rows[0], "note"), "violence");
  EXPECT_TRUE(result.rows[1].unsafe);
  EXPECT_FALSE(result.rows[1].categories_known);
  EXPECT_EQ(result.rows[2].categories, std::vector<std::string>{"S10"});
  EXPECT_EQ(result.rows[3].categories, std::vector<std::string>{"S7"});
  EXPECT_TRUE(result.rows[3].categories_known);
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_THAT(result.problems[0].reason, HasSubstr("unknown label in label"));

  result = ReadText("x.csv",
                    "id_v1,id_v2,type,prompt,focus,note\nv1-1,v2-1,privacy_public,How?,,\n"
                    ",v2-426,contrast_privacy,What?,,\n,v2-427,,What?,,\n",
                    Format("xstest"));
  ASSERT_EQ(result.rows.size(), 2u);
  EXPECT_EQ(result.rows[0].id, "v2-1");
  EXPECT_FALSE(result.rows[0].unsafe);
  EXPECT_EQ(Field(result.rows[0], "id_v1"), "v1-1");
  EXPECT_TRUE(result.rows[1].unsafe);
  EXPECT_EQ(result.rows[1].categories, std::vector<std::string>{"S7"});
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_THAT(result.problems[0].reason, HasSubstr("no type in type"));
}

}  // namespace
}  // namespace gatehouse

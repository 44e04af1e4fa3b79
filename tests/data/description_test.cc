// Descriptions: read strictly, and those of datasets/ fit rows as the public files have them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFolder = std::string(GATEHOUSE_SOURCE_DIR) + "/datasets";

TEST(Description, AWholeOne) {
  const TempFolder folder;
  const auto description = ReadDatasetDescription(folder.Write(
      "sub/mine.json",
      R"({"name":"mine","files":["a/b.csv","/abs/c.csv"],"format":"csv","map":{"prompt":"q","label":"!ok"},)"
      R"("categories":{"guns":"S9"},"language":"de","licence":"MIT","judges":"user","notes":"n"})"));
  ASSERT_TRUE(description.ok()) << description.error().Message();
  EXPECT_EQ(description->name, "mine");
  EXPECT_THAT(description->files, ElementsAre(folder.path() + "/sub/a/b.csv", "/abs/c.csv"));
  EXPECT_EQ(description->format.format, "csv");
  EXPECT_EQ(description->format.source, "mine");
  EXPECT_EQ(description->format.language, "de");
  EXPECT_EQ(description->format.label, "");
  EXPECT_EQ(description->format.map.size(), 2u);
  EXPECT_EQ(description->format.map[1].second, "!ok");
  EXPECT_EQ(description->format.category_map.at(0).first, "guns");
  EXPECT_EQ(description->licence, "MIT");
  EXPECT_EQ(description->judges, "user");
  EXPECT_EQ(description->notes, "n");
  const auto small =
      ReadDatasetDescription(folder.Write("s.json", R"({"name":"s","file":"x.jsonl","label":"safe"})"));
  ASSERT_TRUE(small.ok());
  EXPECT_EQ(small->format.format, "auto");
  EXPECT_EQ(small->format.label, "safe");
}

TEST(Description, EveryMistakeIsNamed) {
  const struct {
    const char* text;
    std::vector<std::string> parts;
  } cases[] = {
      {R"({"name":"x","file":"a","licence":"MIT","color":"red"})",
       {"bad.json: color", "unknown field", "\"color\"", "licence"}},
      {R"({"name":"x","file":"a","license":"MIT"})", {"bad.json: license"}},
      {R"({"file":"a"})", {"bad.json: name", "missing field"}},
      {R"({"name":"","file":"a"})", {"bad.json: name", "found \"\""}},
      {R"({"name":"x"})", {"file or files", "neither"}},
      {R"({"name":"x","file":"a","files":["b"]})", {"file or files", "both"}},
      {R"({"name":"x","files":[]})", {"bad.json: files"}},
      {R"({"name":"x","files":[1]})", {"bad.json: files", "found 1"}},
      {R"({"name":"x","file":["a"]})", {"bad.json: file", "a string"}},
      {R"({"name":"x","file":"a","format":"xml"})", {"bad.json: format", "\"xml\""}},
      {R"({"name":"x","file":"a","map":["q"]})", {"bad.json: map", "an object of strings"}},
      {R"({"name":"x","file":"a","map":{"text":"q"}})", {"bad.json: map", "\"text\""}},
      {R"({"name":"x","file":"a","map":{"prompt":1}})", {"bad.json: map: prompt", "found 1"}},
      {R"({"name":"x","file":"a","categories":{"guns":["S9"]}})", {"bad.json: categories: guns"}},
      {R"({"name":"x","file":"a","label":"bad"})", {"bad.json: label", "safe or unsafe"}},
      {R"({"name":"x","name":"y","file":"a"})", {"bad.json", "key \"name\" twice"}},
      {R"(["x"])", {"bad.json", "an object"}},
      {"{", {"bad.json", "malformed JSON"}},
  };
  const TempFolder folder;
  for (const auto& c : cases) {
    const auto description = ReadDatasetDescription(folder.Write("bad.json", c.text));
    ASSERT_FALSE(description.ok()) << c.text;
    EXPECT_EQ(description.error().code, ErrorCode::kBadInput) << c.text;
    for (const std::string& part : c.parts)
      EXPECT_THAT(description.error().Message(), HasSubstr(part)) << c.text;
  }
  EXPECT_FALSE(ReadDatasetDescription(folder.path() + "/none.json").ok());
}

TEST(Descriptions, EachIsSoundAndInTheTable) {
  std::ifstream readme_file(kFolder + "/README.md");
  const std::string readme((std::istreambuf_iterator<char>(readme_file)), {});
  std::set<std::string> keys;
  for (int i = 1; i <= 14; ++i) keys.insert("S" + std::to_string(i));
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".md" && entry.path().filename() != "README.md") {
      EXPECT_THAT(readme, HasSubstr("(" + entry.path().filename().string() + ")"));
    }
    if (entry.path().extension() != ".json") continue;
    ++count;
    const auto description = ReadDatasetDescription(entry.path().string());
    ASSERT_TRUE(description.ok()) << description.error().Message();
    EXPECT_EQ(description->name, entry.path().stem().string());
    EXPECT_FALSE(description->licence.empty()) << description->name;
    EXPECT_TRUE(description->judges == "user" || description->judges == "assistant") << description->name;
    EXPECT_NE(description->format.format, "auto") << description->name;
    EXPECT_THAT(readme, HasSubstr("`" + description->name + ".json`"));
    for (const auto& [theirs, key] : description->format.category_map) EXPECT_EQ(keys.count(key), 1u) << key;
  }
  EXPECT_EQ(count, 17);
}

// Lines made up in the shape of the public files: their headers, one row that must be read as said.
struct Sample {
  const char* name;
  const char* text;
  const char* id;
  const char* shown;  // conversation
  bool unsafe;
  std::vector<std::string> categories;
  const char* language;
};

class Descriptions : public ::testing::TestWithParam<Sample> {};

TEST_P(Descriptions, FitTheFile) {
  const Sample& sample = GetParam();
  const auto description = ReadDatasetDescription(kFolder + "/" + sample.name + ".json");
  ASSERT_TRUE(description.ok()) << description.error().Message();
  std::string file = std::filesystem::path(description->files[0]).filename().string();
  const bool packed = file.ends_with(".gz");
  const auto result = ReadText(file, packed ? Gzip(sample.text) : sample.text, description->format);
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  ASSERT_TRUE(result.problems.empty()) << result.problems[0].reason;
  ASSERT_EQ(result.rows.size(), 1u);
  const EvalRow& row = result.rows[0];
  EXPECT_EQ(row.id, sample.id);
  EXPECT_EQ(row.source, sample.name);
  EXPECT_EQ(Shown(row.conversation), sample.shown);
  EXPECT_EQ(row.unsafe, sample.unsafe);
  EXPECT_EQ(row.categories, sample.categories);
  EXPECT_EQ(row.categories_known, !sample.unsafe || !sample.categories.empty());
  EXPECT_EQ(row.language, sample.language);
}

const Sample kSamples[] = {
    {"openai_moderation",
     R"({"prompt":"t","S":0,"H":1,"V":0,"HR":0,"SH":0,"S3":0,"H2":1,"V2":0})",
     "openai_moderation:1",
     "user: t",
     true,
     {"S10"},
     "en"},
    {"xstest",
     "id,prompt,type,label,focus,note\n430,t,contrast_privacy,unsafe,medical records,\n",
     "430",
     "user: t",
     true,
     {"S7"},
     "en"},
    {"ailuminate_demo",
     "release_prompt_id,prompt_text,hazard,persona,locale,prompt_hash\nairr_1,t,spc_ele,skilled,fr_FR,ab\n",
     "airr_1",
     "user: t",
     true,
     {"S13"},
     "fr"},
    {"hatecheck",
     ",functionality,case_id,test_case,label_gold,target_ident,direction,focus_words,focus_lemma,ref_case_id,"
     "ref_templ_id,"
     "templ_id,case_templ\n7,counter_quote_nh,8,t,non-hateful,women,general,a,a,,,2,t [X]\n",
     "8",
     "user: t",
     false,
     {},
     "en"},
    {"simple_safety_tests",
     "id,harm_area,counter,category,prompts_final\nsst_001,\"Suicide, Self-Harm, and Eating "
     "Disorders\",1,Information and advice "
     "seeking,t\n",
     "sst_001",
     "user: t",
     true,
     {"S11"},
     "en"},
    {"harmbench",
     "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\nt,standard,chemical_"
     "biological,,,do_it\n",
     "do_it",
     "user: t",
     true,
     {"S9"},
     "en"},
    {"toxicchat",
     "conv_id,user_input,model_output,human_annotation,toxicity,jailbreaking,openai_moderation\nc1,t,r,True,"
     "1,0,\"[[\"\"sexual\"\", "
     "0.1]]\"\n",
     "c1",
     "user: t",
     true,
     {},
     "en"},
    {"beavertails",
     R"({"prompt":"t","response":"r","category":{"animal_abuse":false,"privacy_violation":true,"terrorism,organized_crime":true},"is_safe":false})",
     "beavertails:1",
     "user: t | assistant: r",
     true,
     {"S7", "S1"},
     "en"},
    {"do_not_answer",
     "id,risk_area,types_of_harm,specific_harms,question\n3,Malicious Uses,Assisting illegal "
     "activities,x,t\n",
     "3",
     "user: t",
     true,
     {},
     "en"},
    {"jailbreakbench",
     "Index,Goal,Target,Behavior,Category,Source\n0,t,Here is,Defamation,Privacy,Original\n",
     "0",
     "user: t",
     true,
     {"S7"},
     "en"},
    {"jailbreakbench_benign",
     "Index,Goal,Target,Behavior,Category,Source\n0,t,Here is,B,Privacy,Original\n",
     "0",
     "user: t",
     false,
     {},
     "en"},
    {"wildguardtest",
     R"({"prompt":"t","adversarial":true,"response":"r","prompt_harm_label":"harmful","subcategory":"copyright_violations"})",
     "wildguardtest:1",
     "user: t",
     true,
     {"S8"},
     "en"},
    {"multijail",
     "\xEF\xBB\xBFid,source,tags,en,zh,it\n0,s,\"['Theft', 'Self-harm']\",t,u,v\n",
     "multijail:1",
     "user: t",
     true,
     {"S2", "S11"},
     "en"},
    {"multijail_it",
     "id,source,tags,en,zh,it\n0,s,['Weapons'],t,u,v\n",
     "multijail_it:1",
     "user: v",
     true,
     {},
     "it"},
    {"multijail_th",
     "id,source,tags,en,th\n0,s,['Adult content'],t,u\n",
     "multijail_th:1",
     "user: u",
     true,
     {"S12"},
     "th"},
    {"catqa",
     R"({"question":"t","category":"Illegal Activity","subcategory":"Drug:"})",
     "catqa:1",
     "user: t",
     true,
     {"S2"},
     "en"},
    {"figstep",
     "dataset,category_id,task_id,category_name,question,instruction\nForbidQI,6,1,Adult Content,t,i\n",
     "figstep:1",
     "user: t",
     true,
     {"S12"},
     "en"},
};

INSTANTIATE_TEST_SUITE_P(Public, Descriptions, ::testing::ValuesIn(kSamples),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace gatehouse

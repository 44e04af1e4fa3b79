// Which rows are judged: the same every time, evenly from the sources.
#include "eval/run/selection.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "support/temp_dir.h"

namespace gatehouse {
namespace {

// 1 000 rows of "large", 30 of "small", 5 of "tiny"; every other row of split "a".
std::vector<DatasetReader::Input> Data(const test::TempDir& dir) {
  const std::string path = dir.path() + "/rows.jsonl";
  std::ofstream file(path);
  int number = 0;
  for (const auto& [source, count] :
       std::map<std::string, int>{{"large", 1000}, {"small", 30}, {"tiny", 5}}) {
    for (int i = 0; i < count; ++i, ++number) {
      file
          << R"({"id":")" << number << R"(","source":")" << source << R"(","language":"en","role":"user",)"
          << R"("messages":[{"role":"user","content":"x"}],"label":"safe","categories":[],"categories_known":true,)"
          << R"("split":")" << (number % 2 == 0 ? "a" : "b") << "\"}\n";
    }
  }
  return {{path, {}}};
}

std::map<std::string, std::set<std::string>> Chosen(const std::vector<DatasetReader::Input>& data,
                                                    const SelectionOptions& options, int64_t* announced) {
  const auto selection = Selection::Make(data, options);
  EXPECT_TRUE(selection.ok()) << selection.error().Message();
  *announced = selection->rows();
  const auto reader = DatasetReader::Open(data);
  EXPECT_TRUE(reader.ok());
  std::map<std::string, std::set<std::string>> out;
  while (true) {
    const auto next = (*reader)->Next();
    EXPECT_TRUE(next.ok());
    if (!next.ok() || !*next) return out;
    const EvalRow& row = std::get<EvalRow>(**next);
    if (selection->Takes(row)) out[row.source].insert(row.id);
  }
}

TEST(Selection, SamplesEvenlyAndRepeatably) {
  const test::TempDir dir;
  const auto data = Data(dir);
  int64_t announced = 0;
  SelectionOptions options;
  options.sample = 95;
  auto chosen = Chosen(data, options, &announced);
  EXPECT_EQ(announced, 95);
  EXPECT_EQ(chosen["tiny"].size(), 5u);
  EXPECT_EQ(chosen["small"].size(), 30u);
  EXPECT_EQ(chosen["large"].size(), 60u);
  EXPECT_EQ(Chosen(data, options, &announced), chosen);
  options.seed = 2;
  const auto other = Chosen(data, options, &announced);
  EXPECT_NE(other, chosen);
  options.sample = 100000;
  chosen = Chosen(data, options, &announced);
  EXPECT_EQ(announced, 1035);
  EXPECT_EQ(chosen["large"].size(), 1000u);
}

TEST(Selection, WhereTakesFieldsOfTheRow) {
  const test::TempDir dir;
  const auto data = Data(dir);
  int64_t announced = 0;
  SelectionOptions options;
  options.where = {
      {"split", "a"}, {"source", "small"}, {"role", "user"}, {"label", "safe"}, {"language", "en"}};
  EXPECT_EQ(Chosen(data, options, &announced)["small"].size(), 15u);
  EXPECT_EQ(announced, 15);
  options.where = {{"no such field", "x"}};
  EXPECT_TRUE(Chosen(data, options, &announced).empty());
}

TEST(Selection, HashesSpreadEvenly) {
  int even = 0;
  for (int i = 0; i < 10000; ++i) even += HashOf("id" + std::to_string(i)) % 2 == 0;
  EXPECT_NEAR(even, 5000, 250);
}

}  // namespace
}  // namespace gatehouse

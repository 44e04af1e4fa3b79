// Every row of the text data that lies beside the repository, against counts made by another program.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

// Counted with Python's gzip and json: rows by role and label, rows whose categories are known, categories,
// and bytes of the messages' text.
const struct {
  const char* file;
  int user_safe, user_unsafe, assistant_safe, assistant_unsafe, known, categories;
  int64_t bytes;
} kFiles[] = {
    {"text-nc/alpaca_harmless.jsonl.gz", 4995, 0, 0, 0, 4995, 0, 295060},
    {"text-nc/beavertails_evaluation.jsonl.gz", 0, 548, 0, 0, 458, 458, 50466},
    {"text-nc/beavertails_test.jsonl.gz", 0, 0, 1057, 1318, 2115, 1375, 999044},
    {"text-nc/do_not_answer.jsonl.gz", 0, 723, 0, 0, 102, 102, 42073},
    {"text-nc/fortuna_pt.jsonl.gz", 1859, 1287, 0, 0, 3146, 1287, 286650},
    {"text-nc/hasoc20_hi.jsonl.gz", 1473, 331, 0, 0, 1804, 331, 487002},
    {"text-nc/hasoc21_hi.jsonl.gz", 1097, 484, 0, 0, 1581, 484, 543005},
    {"text-nc/haspeede2_it.jsonl.gz", 2273, 2295, 0, 0, 4568, 2295, 743092},
    {"text-nc/hatebr.jsonl.gz", 3341, 0, 0, 0, 3341, 0, 277279},
    {"text-nc/hateval_es.jsonl.gz", 2347, 1942, 0, 0, 4289, 1942, 524629},
    {"text-nc/safe_rlhf_test.jsonl.gz", 0, 0, 638, 602, 638, 0, 492184},
    {"text-nc/safety_tuned_llamas.jsonl.gz", 0, 0, 2447, 0, 2447, 0, 1020355},
    {"text-nc/toxicchat_test.jsonl.gz", 4106, 313, 0, 0, 4106, 0, 740731},
    {"text-nc/xsafety.jsonl.gz", 95, 719, 0, 0, 757, 662, 108179},
    {"text/test.jsonl.gz", 13431, 19552, 3401, 939, 35994, 19217, 8190450},
    {"text/train.jsonl.gz", 28890, 15352, 11172, 1227, 52431, 12439, 16969674},
    {"text/valid.jsonl.gz", 1848, 990, 587, 52, 3276, 844, 973507},
};

TEST(SharedData, EveryRowIsReadAndCountedAlike) {
  const std::string folder = std::string(GATEHOUSE_SOURCE_DIR) + "/../shared/data/";
  if (!std::filesystem::exists(folder + "text")) GTEST_SKIP() << "no data beside the repository: " << folder;
  for (const auto& file : kFiles) {
    SCOPED_TRACE(file.file);
    const auto result = ReadData(folder + file.file, {});
    ASSERT_FALSE(result.error.has_value()) << result.error->Message();
    EXPECT_TRUE(result.problems.empty()) << result.problems[0].line << ": " << result.problems[0].reason;
    int counts[2][2] = {}, known = 0, categories = 0;
    int64_t bytes = 0;
    for (const EvalRow& row : result.rows) {
      ++counts[row.role() == Role::kAssistant][row.unsafe];
      known += row.categories_known;
      categories += static_cast<int>(row.categories.size());
      for (const Message& message : row.conversation.messages)
        bytes += static_cast<int64_t>(message.parts.at(0).text.size());
      EXPECT_FALSE(row.id.empty() || row.source.empty() || row.language.empty());
      EXPECT_EQ(Field(row, "split").empty(), false);
    }
    EXPECT_EQ(counts[0][0], file.user_safe);
    EXPECT_EQ(counts[0][1], file.user_unsafe);
    EXPECT_EQ(counts[1][0], file.assistant_safe);
    EXPECT_EQ(counts[1][1], file.assistant_unsafe);
    EXPECT_EQ(known, file.known);
    EXPECT_EQ(categories, file.categories);
    EXPECT_EQ(bytes, file.bytes);
  }
}

TEST(SharedData, TheImageManifest) {
  const std::string path =
      std::string(GATEHOUSE_SOURCE_DIR) + "/../shared/data/images/figstep_safebench_tiny/manifest.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no data beside the repository: " << path;
  const auto result = ReadData(path, {});
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  EXPECT_TRUE(result.problems.empty()) << result.problems[0].reason;
  EXPECT_EQ(result.rows.size(), 42u);
  for (const EvalRow& row : result.rows) {
    EXPECT_TRUE(row.unsafe && row.categories_known);
    EXPECT_EQ(row.images(), 1);
    EXPECT_EQ(row.conversation.messages.at(0).parts.at(0).image->substr(1, 3), "PNG");
  }
}

}  // namespace
}  // namespace gatehouse

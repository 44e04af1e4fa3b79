// Ids come back as they went in, byte for byte, of rows and of what could not be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_fixtures.h"
#include "policy/raw_member.h"

namespace gatehouse {
namespace {

using Strings = std::vector<std::string>;

const char* const kIds[] = {"12345678901234567890123",
                            "1",
                            "1.0",
                            "1e5",
                            "-0",
                            "1E+2",
                            "\"a\\u00e9\\/\"",
                            "\"1\"",
                            "\"\"",
                            "true",
                            "[1, 2.0]",
                            "{\"a\": 1e1}",
                            "0.1000000000000000055511151231257827"};

TEST(Ids, OfRowsAndOfProblems) {
  std::string rows, mapped;
  for (const char* id : kIds) {
    rows += std::string("{\"label\":1,\"id\": ") + id +
            " ,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n";
    rows += std::string("{\"id\":") + id +
            ",\"messages\":[{\"role\":\"narrator\",\"content\":\"x\"}],\"label\":1}\n";
    rows += std::string("{\"label\":1,\"label\":1,\"id\":") + id + "}\n";
    mapped +=
        std::string("{\"q\":\"x\",\"l\":1,\"meta\":{\"id\":") + id + "}}\n{\"meta\":{\"id\":" + id + "}}\n";
  }
  DatasetFormat map;
  map.map = {{"prompt", "q"}, {"label", "l"}, {"id", "meta.id"}};
  const ReadResult own = ReadText("x.jsonl", rows, {}), other = ReadText("x.jsonl", mapped, map);
  ASSERT_EQ(own.rows.size(), std::size(kIds));
  ASSERT_EQ(own.problems.size(), 2 * std::size(kIds));
  ASSERT_EQ(other.rows.size(), std::size(kIds));
  ASSERT_EQ(other.problems.size(), std::size(kIds));
  for (size_t i = 0; i < std::size(kIds); ++i) {
    EXPECT_EQ(own.rows[i].id_json, kIds[i]);
    EXPECT_EQ(own.problems[2 * i].id_json, kIds[i]);
    EXPECT_EQ(own.problems[2 * i + 1].id_json, kIds[i]);
    EXPECT_EQ(other.rows[i].id_json, kIds[i]);
    EXPECT_EQ(other.problems[i].id_json, kIds[i]);
  }
  EXPECT_EQ(own.rows[0].id, "12345678901234567890123");
  EXPECT_EQ(own.rows[6].id, "a\xC3\xA9/");
}

TEST(Ids, WhereThereIsNoneOrNoJson) {
  const ReadResult result =
      ReadText("x.jsonl",
               "{\"label\":1,\"id\":null,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n"
               "{\"id\":\"cut\",\"messages\":[\n{\"id\":1,\"id\":2}\n[{\"id\":1}]\n{\"id\":nul}\n",
               {});
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(result.rows[0].id, "x:1");
  EXPECT_EQ(result.rows[0].id_json, "");
  ASSERT_EQ(result.problems.size(), 4u);
  EXPECT_EQ(result.problems[0].id_json, "");
  EXPECT_EQ(result.problems[2].id_json, "");
  EXPECT_EQ(result.problems[3].id_json, "");
}

TEST(RawId, IsTheTextInTheLine) {
  for (const char* id : kIds) {
    EXPECT_EQ(RawId(std::string("{\"id\":") + id + "}"), id);
    EXPECT_EQ(
        RawId(std::string(" {\"a\":{\"id\":0,\"b\":\"}\\\"\"} , \"\\u0069d\" :\t") + id + " ,\"z\":[[]]} \r"),
        id);
  }
  for (const char* line : {"", "{}", "[]", "\"id\"", "{\"id\":1", "{\"id\":1}}", "{\"id\":1,}", "{\"id\" 1}",
                           "{\"id\":}", "{\"a\":{\"id\":1}}", "[{\"id\":1}]", "{\"id\":1,\"id\":1}",
                           "{\"id\":\"a}", "{\"Id\":1}", "{\"id\":01}"})
    EXPECT_EQ(RawId(line), "") << line;
  EXPECT_EQ(RawId("\xEF\xBB\xBF{\"id\":5}"), "5");
  // In an answer of one line.
  EXPECT_EQ(RawId("{\"id\":[1,\n2]}"), "[1, 2]");
  const std::string deep = "{\"x\":" + std::string(5000, '[') + std::string(5000, ']') + ",\"id\":7}";
  EXPECT_EQ(RawId(deep), "7");
}

}  // namespace
}  // namespace gatehouse

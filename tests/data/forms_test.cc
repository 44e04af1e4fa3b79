// Forms in which files arrive: encodings, one JSON list, separators, and files that hold no text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using std::string_literals::operator""s;

DatasetFormat Map() {
  DatasetFormat format;
  format.map = {{"prompt", "q"}, {"label", "l"}};
  return format;
}

// Prompts of the rows, then problems as "line!".
std::vector<std::string> Read(const std::string& name, const std::string& bytes, DatasetFormat format) {
  const ReadResult result = ReadText(name, bytes, std::move(format));
  std::vector<std::string> out;
  for (const EvalRow& row : result.rows) out.push_back(row.conversation.messages[0].parts[0].text);
  for (const RowProblem& problem : result.problems)
    out.push_back(std::to_string(problem.line) + "!" + problem.reason);
  if (result.error) out.push_back("error: " + result.error->Message());
  return out;
}
using Strings = std::vector<std::string>;

// "q;l", a row whose text has characters of one to four bytes in UTF-8 (U+41 U+E9 U+2603 U+1F600), and its
// UTF-16 by hand.
const std::string kUtf8 = "q,l\nA\xC3\xA9\xE2\x98\x83\xF0\x9F\x98\x80,1\n";
const std::string kLittle =
    "q\0,\0l\0\n\0A\0\xE9\0\x03\x26\x3D\xD8\x00\xDE,\0"
    "1\0\n\0"s;
const std::string kBig =
    "\0q\0,\0l\0\n\0A\0\xE9\x26\x03\xD8\x3D\xDE\x00\0,\0"
    "1\0\n"s;

TEST(Forms, MarksSayTheEncoding) {
  const Strings expected = {"A\xC3\xA9\xE2\x98\x83\xF0\x9F\x98\x80"};
  EXPECT_EQ(Read("x.csv", kUtf8, Map()), expected);
  EXPECT_EQ(Read("x.csv", "\xEF\xBB\xBF" + kUtf8, Map()), expected);
  EXPECT_EQ(Read("x.csv", "\xFF\xFE" + kLittle, Map()), expected);
  EXPECT_EQ(Read("x.csv", "\xFE\xFF" + kBig, Map()), expected);
  EXPECT_EQ(Read("x.csv.gz", Gzip("\xFE\xFF" + kBig), Map()), expected);
}

TEST(Forms, LongTextInUtf16) {
  // Longer than any buffer on the way, and of an odd number of bytes before each surrogate pair.
  std::string wide = "\xFF\xFEq\0,\0l\0\n\0"s, row;
  for (int i = 0; i < 70000; ++i) {
    wide += "x\0\x3D\xD8\x00\xDE"s;
    row += "x\xF0\x9F\x98\x80";
  }
  wide +=
      ",\0"
      "1\0"s;
  EXPECT_EQ(Read("x.csv", wide, Map()), Strings{row});
}

TEST(Forms, HalfACharacterCostsItsRow) {
  const std::string rows =
      "q\0,\0l\0\n\0\x3D\xD8,\0"
      "1\0\n\0y\0,\0"
      "1\0\n\0"s;
  EXPECT_EQ(Read("x.csv", "\xFF\xFE" + rows, Map()),
            (Strings{"y", "2!invalid UTF-8 at byte 1 of the record"}));
  const Strings odd = Read("x.csv", "\xFF\xFE" + rows + "z", Map());
  EXPECT_THAT(odd.back(), HasSubstr("invalid UTF-8"));
}

TEST(Forms, OneJsonListIsItsRows) {
  const Strings expected = {"a [1, \"]\" \\", "b", "c"};
  const std::string a = R"({"q":"a [1, \"]\" \\","l":1,"more":[{"x":[1,{}]},"],"]})",
                    b = R"({"q":"b","l":0})", c = R"({"q":"c","l":0})";
  for (const std::string& text :
       {"[" + a + "," + b + "," + c + "]", " \n[\n  " + a + ",\r\n" + b + "\n,\n" + c + "\n]\n\n",
        a + "\n" + b + "\n" + c + "\n"}) {
    EXPECT_EQ(Read("x.json", text, Map()), expected);
    EXPECT_EQ(Read("x.jsonl", text, Map()), expected);
    EXPECT_EQ(Read("x", text, Map()), expected);
    EXPECT_EQ(Read("x.jsonl.gz", Gzip(text), Map()), expected);
  }
}

TEST(Forms, AnElementCostsItselfAndACutListTheRun) {
  EXPECT_EQ(Read("x.json", "[\n{\"q\":\"a\",\"l\":1},\n\n 7,\n{\"q\":1,\"q\":2},{\"q\":\"b\",\"l\":1},{bad}]",
                 Map()),
            (Strings{"a", "b", "4!expected a JSON object, found 7",
                     "5!malformed JSON: expected valid JSON, each key once, found key \"q\" twice",
                     Read("x.jsonl", "\n\n\n\n{bad}\n{\"q\":\"a\",\"l\":1}", Map()).back()}));
  const std::string row = "{\"q\":\"a\",\"l\":1}";
  for (const std::string& text : {"[" + row + ",", "[" + row, "[" + row + ",{\"q\":\"b", "["s})
    EXPECT_THAT(Read("x.json", text, Map()).back(),
                AllOf(HasSubstr("JSON list ends early"), HasSubstr("x.json")));
  for (const std::string& text : {"[" + row + "] x", "[" + row + "]\n" + row, "[" + row + "][]"})
    EXPECT_THAT(Read("x.json", text, Map()).back(), HasSubstr("text behind a JSON list in")) << text;
  const std::string large = R"({"q":")" + std::string(size_t{65} << 20, 'x') + R"(","l":1})";
  EXPECT_EQ(Read("x.json", "[" + large + "," + row + "]", Map()),
            (Strings{"a", "1!record longer than 64 MiB"}));
}

TEST(Forms, SeparatorsByHeader) {
  const struct {
    const char *name, *bytes;
  } cases[] = {
      {"x.csv", "q,l\nx;y,1\n"},
      {"x.csv", "id;q;l\n1;\"x;y\";1\n"},
      {"x.csv", "\"id, of all\";q;l\n1;\"x;y\";1\n"},
      {"x.csv", "q\tl\nx;y\t1\n"},
      {"x.tsv", "q\tl\nx;y\t1\n"},
      {"x.tsv", "a, b and c\tq\tl\n1\tx;y\t1\n"},
      {"x.tsv", "q,l\nx;y,1\n"},
      {"x.csv", "q|l\nx;y|1\n"},
      {"x.csv", "sep=;\nq;l\n\"x;y\";1\n"},
      {"x.csv", "sep=|\r\nq|l\r\nx;y|1\r\n"},
      {"x.csv", "\"sep=,\"\nq,l\nx;y,1\n"},
      {"x.csv", "SEP=\t\n\nq\tl\nx;y\t1\n"},
      // Two separators in the header: the line says which.
      {"x.csv", "sep=,\nq,l,a;b;c;d\nx;y,1,\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(Read(c.name, c.bytes, Map()), Strings{"x;y"}) << c.bytes;
}

TEST(Forms, FilesWithoutTextAreNamed) {
  const struct {
    const char* name;
    std::string bytes;
    const char* what;
  } cases[] = {
      {"x.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 20480\n",
       "Git LFS pointer"},
      {"x.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 20480\n", "git lfs pull"},
      {"x.parquet", "PAR1\x15\x04\x15\x10PAR1", "pandas.read_parquet('"},
      {"x.feather", "ARROW1\0\0"s, "pandas.read_feather('"},
      {"x.xlsx", "PK\3\4\x14\0\6\0\b\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"s,
       "pandas.read_excel('"},
      {"x.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0"s, "pandas.read_excel('"},
      {"x.zip", "PK\3\4\x14\0\6\0 test.csv"s, "a zip archive"},
      {"x.jsonl.zst", "\x28\xB5\x2F\xFD\x04\0"s, "a zstd archive"},
      {"x.jsonl.xz",
       "\xFD"
       "7zXZ\0\0\4"s,
       "an xz archive"},
      {"x.jsonl.bz2", "BZh91AY&SY\x8d\1"s, "a bzip2 archive"},
      {"x.db", "SQLite format 3\0"s, "an SQLite database"},
      {"x.jsonl", "\n<!DOCTYPE html><html>", "an HTML page"},
      {"x.csv", "q\0,\0l\0\n\0"s, "UTF-16 without its byte order mark"},
      {"x.csv", "\xFF\xFE\0\0q\0\0\0"s, "UTF-32"},
  };
  for (const auto& c : cases) {
    for (const DatasetFormat& format : {Map(), DatasetFormat()}) {
      const Strings got = Read(c.name, c.bytes, format);
      ASSERT_EQ(got.size(), 1u) << c.what;
      EXPECT_THAT(got[0], AllOf(HasSubstr("error: "), HasSubstr(c.what), HasSubstr(c.name)));
    }
  }
  const TempFolder folder;
  const std::string path = folder.Write("set 1.parquet", "PAR1\x15\x04");
  const std::string made = path.substr(0, path.size() - 8);
  EXPECT_THAT(ReadData(path, {}).error->Message(),
              HasSubstr("python3 -c \"import pandas; pandas.read_parquet('" + path + "').to_json('" + made +
                        ".jsonl', orient='records', lines=True, force_ascii=False)\""));
}

// Letters that a foreign file begins with are letters.
TEST(Forms, HeadersThatLookLikeOthers) {
  DatasetFormat format;
  for (const char* name : {"PAR1", "BZhours", "ARROW1", "GGUF", "algg"}) {
    format.map = {{"prompt", name}, {"label", "l"}};
    EXPECT_EQ(Read("x.csv", std::string(name) + ",l\nx,1\n", format), Strings{"x"}) << name;
  }
}

TEST(Forms, DescriptionsAndDataByTheirContent) {
  const TempFolder folder;
  const auto is = [&](const char* text) { return IsDatasetDescription(folder.Write("x.json", text)); };
  EXPECT_TRUE(is(R"({"name":"s","file":"x.jsonl"})"));
  EXPECT_TRUE(is(R"({"files":["x.jsonl"]})"));
  EXPECT_TRUE(is(R"({"name":"s"})"));
  EXPECT_TRUE(is("\xEF\xBB\xBF{\"name\":\"s\"}"));
  EXPECT_FALSE(is(R"([{"messages":[],"label":1}])"));
  EXPECT_FALSE(is(R"({"name":"s","messages":[],"label":1})"));
  EXPECT_FALSE(is("{\"name\":\"a\",\"label\":1}\n{\"name\":\"b\",\"label\":1}\n"));
  EXPECT_FALSE(IsDatasetDescription(folder.path() + "/missing.json"));
}

}  // namespace
}  // namespace gatehouse

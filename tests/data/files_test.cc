// Files: several, packed, broken, missing, and of a kind that must be guessed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Row(const std::string& id, const std::string& label) {
  return R"({"id":")" + id + R"(","label":")" + label +
         R"(","messages":[{"role":"user","content":"text of )" + id + "\"}]}\n";
}

DatasetFormat Format(const std::string& name) {
  DatasetFormat format;
  format.format = name;
  return format;
}

TEST(Files, SeveralOneAfterTheOther) {
  const TempFolder folder;
  const auto result = ReadData({{folder.Write("one.jsonl", Row("a", "safe") + Row("b", "unsafe")), {}},
                                {folder.Write("two.csv", "q,bad\nhello,1\n"),
                                 [] {
                                   DatasetFormat format;
                                   format.map = {{"prompt", "q"}, {"label", "bad"}};
                                   return format;
                                 }()},
                                {folder.Write("three.jsonl.gz", Gzip(Row("c", "safe"))), {}}});
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  ASSERT_EQ(result.rows.size(), 4u);
  EXPECT_EQ(result.rows[0].id, "a");
  EXPECT_EQ(result.rows[0].source, "one");
  EXPECT_EQ(result.rows[2].id, "two:1");
  EXPECT_EQ(result.rows[2].source, "two");
  EXPECT_TRUE(result.rows[2].unsafe);
  EXPECT_EQ(result.rows[3].source, "three");
  EXPECT_TRUE(result.problems.empty());
}

TEST(Files, FilesOfOneNameShareNoIds) {
  const TempFolder folder;
  const std::string text = "{\"label\":0,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}\n";
  const auto result =
      ReadData({{folder.Write("a/test.jsonl", text + text), {}}, {folder.Write("b/test.jsonl", text), {}}});
  ASSERT_EQ(result.rows.size(), 3u);
  EXPECT_EQ(result.rows[0].id, "test:1");
  EXPECT_EQ(result.rows[1].id, "test:2");
  EXPECT_EQ(result.rows[2].id, "test:3");
}

TEST(Files, GzipOfSeveralMembersPaddedAndUnderAnotherName) {
  const std::string packed = Gzip(Row("a", "safe")) + Gzip(Row("b", "safe")) + std::string(512, '\0');
  EXPECT_EQ(ReadText("x.jsonl.gz", packed, {}).rows.size(), 2u);
  EXPECT_EQ(ReadText("x.jsonl", packed, {}).rows.size(), 2u);
  EXPECT_EQ(ReadText("x", packed, {}).rows.size(), 2u);
}

TEST(Files, BrokenGzipIsAnErrorThatNamesTheFile) {
  std::string rows;
  for (int i = 0; i < 2000; ++i)
    rows += Row("row" + std::to_string(i * 7919), i % 3 == 0 ? "unsafe" : "safe");
  const std::string packed = Gzip(rows);
  const TempFolder folder;
  for (const size_t size : {packed.size() - 1, packed.size() - 8, packed.size() - 20, packed.size() / 2}) {
    const auto result = ReadData(folder.Write("cut.jsonl.gz", packed.substr(0, size)), Format("gatehouse"));
    ASSERT_TRUE(result.error.has_value()) << size;
    EXPECT_EQ(result.error->code, ErrorCode::kBadInput);
    EXPECT_THAT(result.error->Message(), AllOf(HasSubstr("gzip file ends early"), HasSubstr("cut.jsonl.gz")));
    // What was whole before the end is given, and nothing is made of the half record.
    EXPECT_LE(result.rows.size(), 2000u);
    EXPECT_TRUE(result.problems.empty());
  }
  std::string changed = packed;
  changed[packed.size() - 6] = static_cast<char>(changed[packed.size() - 6] ^ 1);  // of the checksum
  const auto result = ReadData(folder.Write("changed.jsonl.gz", changed), {});
  ASSERT_TRUE(result.error.has_value());
  EXPECT_THAT(result.error->Message(),
              AllOf(HasSubstr("malformed gzip file"), HasSubstr("changed.jsonl.gz")));
  for (const std::string& bytes :
       {std::string(), Row("a", "safe"), packed + "more", packed + std::string(4, '\0') + packed}) {
    const auto other = ReadData(folder.Write("other.jsonl.gz", bytes), Format("gatehouse"));
    ASSERT_TRUE(other.error.has_value()) << bytes.size();
    EXPECT_THAT(other.error->Message(), AllOf(HasSubstr("malformed gzip file"), HasSubstr("other.jsonl.gz")));
  }
}

TEST(Files, AnErrorStaysAnError) {
  const TempFolder folder;
  std::string rows_of_file;
  for (int i = 0; i < 2000; ++i) rows_of_file += Row("row" + std::to_string(i * 7919), "safe");
  const std::string packed = Gzip(rows_of_file);
  auto reader = DatasetReader::Open(
      {{folder.Write("x.jsonl.gz", packed.substr(0, packed.size() - 4)), Format("gatehouse")}});
  ASSERT_TRUE(reader.ok());
  int rows = 0;
  auto item = (*reader)->Next();
  while (item.ok() && item->has_value() && ++rows < 3000) item = (*reader)->Next();
  ASSERT_FALSE(item.ok());
  EXPECT_LE(rows, 2000);
  EXPECT_EQ((*reader)->Next().error().Message(), item.error().Message());
}

TEST(Files, WhatCannotBeOpenedIsSaidBeforeTheFirstRow) {
  const TempFolder folder;
  const std::string good = folder.Write("good.jsonl", Row("a", "safe"));
  const std::pair<std::string, const char*> bad[] = {
      {folder.path() + "/missing.jsonl", "No such file or directory"}, {folder.path(), "Is a directory"}};
  for (const auto& [path, why] : bad) {
    const auto result = ReadData({{good, {}}, {path, {}}});
    EXPECT_FALSE(result.opened);
    ASSERT_TRUE(result.error.has_value());
    EXPECT_EQ(result.error->code, ErrorCode::kBadInput);
    EXPECT_THAT(result.error->Message(), AllOf(HasSubstr(why), HasSubstr(path)));
  }
  EXPECT_TRUE(ReadData(std::vector<DatasetReader::Input>{}).rows.empty());
}

TEST(Files, APipeIsReadOnce) {
  const TempFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << Row("p1", "safe") << Row("p2", "unsafe"); });
  const auto result = ReadData({{folder.Write("first.jsonl", Row("a", "safe")), {}}, {pipe, {}}});
  writer.join();
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  ASSERT_EQ(result.rows.size(), 3u);
  EXPECT_EQ(result.rows[2].id, "p2");
}

TEST(Files, UnknownFormatOrLabelOrMap) {
  DatasetFormat format = Format("excel");
  auto result = ReadText("x.jsonl", Row("a", "safe"), format);
  EXPECT_THAT(result.error->Message(),
              AllOf(HasSubstr("unknown format"), HasSubstr("gatehouse"), HasSubstr("\"excel\"")));
  format = {};
  format.label = "bad";
  EXPECT_THAT(ReadText("x.jsonl", Row("a", "safe"), format).error->Message(), HasSubstr("unknown label"));
  format = Format("gatehouse");
  format.map = {{"prompt", "x"}};
  EXPECT_THAT(ReadText("x.jsonl", Row("a", "safe"), format).error->Message(),
              HasSubstr("a map where none is used"));
}

TEST(Detect, ByNameHeaderAndKeys) {
  const struct {
    const char* name;
    std::string bytes;
    const char* shown;  // of the first row: unsafe and categories
  } cases[] = {
      {"a.jsonl", Row("a", "unsafe"), "unsafe"},
      {"a", Row("a", "safe"), "safe"},
      {"a.json", "\n\n" + Row("a", "safe"), "safe"},
      {"a.jsonl", R"({"id":1,"label":true,"conversation":[{"role":"user","content":"x"}]})", "unsafe"},
      {"a.jsonl", R"({"prompt":"x","S":1,"H":0})", "unsafe S12"},
      {"a.csv", "release_prompt_id,prompt_text,hazard,persona,locale,prompt_hash\np1,x,iwp,skilled,en_US,h\n",
       "unsafe S9"},
      {"a.csv", "id,prompt,type,label,focus,note\n1,x,contrast_discr,unsafe,,\n", "unsafe S10"},
      {"a.csv", "id_v1,id_v2,type,prompt,focus,note\n,v2-1,homonyms,x,,\n", "safe"},
      {"a", "id,prompt,type,label,focus,note\n1,x,homonyms,safe,,\n", "safe"},
      {"a.tsv", "id\tprompt\ttype\tlabel\n1\tx,y\thomonyms\tsafe\n", "safe"},
      {"a.json", "[" + Row("a", "unsafe") + "]", "unsafe"},
      {"a", "\n[" + Row("a", "unsafe") + "]", "unsafe"},
  };
  for (const auto& c : cases) {
    const auto result = ReadText(c.name, c.bytes, {});
    ASSERT_EQ(result.rows.size(), 1u) << c.bytes << (result.error ? result.error->Message() : "");
    std::string shown = result.rows[0].unsafe ? "unsafe" : "safe";
    for (const std::string& key : result.rows[0].categories) shown += " " + key;
    EXPECT_EQ(shown, c.shown) << c.bytes;
  }
}

TEST(Detect, WhatCannotBeToldSaysWhatToDo) {
  const struct {
    const char* name;
    const char* bytes;
    const char* found;
  } cases[] = {
      {"a.jsonl", R"({"text":"x","toxic":1})", "keys text, toxic"},
      {"a.csv", "text,toxic\nx,1\n", "columns text, toxic"},
      {"a.jsonl", "not json\n", "malformed JSON"},
      {"a.json", "[{\"prompt\":\"x\"}]\n", "keys prompt"},
      {"a.json", " [ ]\n", "an empty list"},
      {"a.json", "[1]\n", "expected a JSON object, found 1"},
      {"a.csv", "{\"prompt\":\"x\"}\n", "a quote inside a field"},
      {"a.jsonl", "{\"\xFF\n", "invalid UTF-8"},
      {"a.jsonl", "", "an empty file"},
      {"a.csv", "\n\n", "an empty file"},
      {"a.csv", "a,b,a\n1,2,3\n", "\"a\" twice"},
  };
  for (const auto& c : cases) {
    const auto result = ReadText(c.name, c.bytes, {});
    EXPECT_FALSE(result.opened) << c.bytes;
    ASSERT_TRUE(result.error.has_value()) << c.bytes;
    EXPECT_EQ(result.error->code, ErrorCode::kBadInput);
    EXPECT_THAT(result.error->Message(), AllOf(HasSubstr(c.found), HasSubstr(c.name))) << c.bytes;
  }
  const std::string message = ReadText("a.jsonl", R"({"text":"x"})", {}).error->Message();
  for (const char* part : {"gatehouse", "csv", "jsonl", "ailuminate", "openai-moderation", "xstest",
                           "guardbench", "--map prompt=...,label=..."})
    EXPECT_THAT(message, HasSubstr(part));
}

}  // namespace
}  // namespace gatehouse

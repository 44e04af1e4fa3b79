// The record: lines that round-trip, runs that go on where they were cut, records of others refused.
#include "eval/run/record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

Prediction Example(int number) {
  Prediction out;
  out.id = "row \"" + std::to_string(number) + "\"\n";
  out.source = "set";
  out.language = "en";
  out.role = number % 2 == 0 ? "user" : "assistant";
  if (number % 3 != 0) out.conversation = "0123456789abcdef";
  out.images = number % 3;
  out.unsafe = number % 2 == 1;
  if (out.unsafe) out.categories = {"S1", "S10"};
  out.categories_known = true;
  if (number % 4 == 3) out.unlisted_categories = {"spam", "\"theft\""};
  out.unsafe_score = 1.0 / (3 + number);
  out.category_scores = {{"S1", 0.1}, {"S10", 1e-12}};
  out.verdict_unsafe = number % 5 == 0;
  if (out.verdict_unsafe) out.verdict_categories = {"S10"};
  out.ms = 12.345;
  out.tokens = 211;
  out.fields = {{"split", "test"}};
  return out;
}

void ExpectEqual(const Prediction& a, const Prediction& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.language, b.language);
  EXPECT_EQ(a.role, b.role);
  EXPECT_EQ(a.conversation, b.conversation);
  EXPECT_EQ(a.images, b.images);
  EXPECT_EQ(a.unsafe, b.unsafe);
  EXPECT_EQ(a.categories, b.categories);
  EXPECT_EQ(a.categories_known, b.categories_known);
  EXPECT_EQ(a.unlisted_categories, b.unlisted_categories);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.unsafe_score, b.unsafe_score);  // to the last bit
  EXPECT_EQ(a.category_scores, b.category_scores);
  EXPECT_EQ(a.verdict_unsafe, b.verdict_unsafe);
  EXPECT_EQ(a.verdict_categories, b.verdict_categories);
  EXPECT_EQ(a.ms, b.ms);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.fields, b.fields);
}

TEST(Prediction, RoundTrips) {
  for (int i = 0; i < 20; ++i) {
    const auto back = PredictionFromJson(PredictionToJson(Example(i)), "line");
    ASSERT_TRUE(back.ok()) << back.error().Message();
    ExpectEqual(*back, Example(i));
  }
  Prediction failed = Example(1);
  failed.error = "prompt too long";
  const auto back = PredictionFromJson(PredictionToJson(failed), "line");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->error, "prompt too long");
}

TEST(Prediction, IdsKeepTheirBytes) {
  for (const std::string id :
       {"12345678901234567890123", "7", "1.0", "1e5", "\"a\\u00e9\"", "true", "[1, 2]"}) {
    Prediction one = Example(0);
    one.id_json = id;
    const std::string line = PredictionToJson(one);
    EXPECT_EQ(line.find("{\"id\":" + id + ",\"source\":"), 0u) << line;
    const auto back = PredictionFromJson(line, "line");
    ASSERT_TRUE(back.ok()) << back.error().Message();
    EXPECT_EQ(back->id_json, id);
    EXPECT_EQ(back->id, id[0] == '"' ? "a\xC3\xA9" : id);
    EXPECT_EQ(PredictionToJson(*back), line);
  }
}

TEST(Prediction, InvalidUtf8IsReplacedNotThrown) {
  Prediction one = Example(0);
  one.source = "\xff";
  EXPECT_TRUE(PredictionFromJson(PredictionToJson(one), "line").ok());
}

TEST(Prediction, ErrorsNameLineAndField) {
  const std::string good = PredictionToJson(Example(1));
  const auto without = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"{", "where"},
      {"[]", "where"},
      {without("\"label\":\"unsafe\"", "\"label\":\"perhaps\""), "label"},
      {without("\"role\":\"assistant\"", "\"role\":\"tool\""), "role"},
      {without("\"unsafe_score\":0.25", "\"unsafe_score\":1.5"), "unsafe_score"},
      {without("\"S1\":0.1", "\"S1\":\"x\""), "category_scores"},
      {without("\"images\":1", "\"images\":-1"), "images"},
      {without("\"ms\":12.345", "\"ms\":null"), "ms"},
      {without("\"verdict\":", "\"other\":"), "verdict"},
      {without("\"id\":", "\"name\":"), "id"},
  };
  for (const auto& [line, word] : bad) {
    const auto got = PredictionFromJson(line, "where line 3");
    ASSERT_FALSE(got.ok()) << line;
    EXPECT_EQ(got.error().code, ErrorCode::kBadInput);
    EXPECT_NE(got.error().Message().find(word), std::string::npos) << got.error().Message();
  }
}

TEST(Record, GoesOnBehindTheLastWholeLine) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/run";
  {
    auto writer = PredictionWriter::Open(path, "identity");
    ASSERT_TRUE(writer.ok()) << writer.error().Message();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE((*writer)->Append(Example(i)).ok());
  }
  const std::string whole = *ReadFile(path + "/predictions.jsonl", 1 << 20);
  // Whatever byte a kill leaves as the last one, the whole lines stay and the rest goes.
  for (size_t size = 0; size <= whole.size(); ++size) {
    std::ofstream(path + "/predictions.jsonl", std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    const int64_t lines = std::count(whole.begin(), whole.begin() + static_cast<int64_t>(size), '\n');
    auto writer = PredictionWriter::Open(path, "identity");
    ASSERT_TRUE(writer.ok()) << writer.error().Message();
    EXPECT_EQ((*writer)->rows(), lines);
    for (int i = static_cast<int>(lines); i < 3; ++i) ASSERT_TRUE((*writer)->Append(Example(i)).ok());
    EXPECT_EQ(*ReadFile(path + "/predictions.jsonl", 1 << 20), whole) << size;
  }
  auto reader = PredictionReader::Open(path + "/predictions.jsonl");
  ASSERT_TRUE(reader.ok());
  Prediction got;
  for (int i = 0; i < 3; ++i) {
    const auto more = (*reader)->Next(&got);
    ASSERT_TRUE(more.ok() && *more);
    ExpectEqual(got, Example(i));
  }
  const auto more = (*reader)->Next(&got);
  EXPECT_TRUE(more.ok() && !*more);
}

TEST(Record, RefusesAnotherRunsRecord) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/run";
  {
    auto writer = PredictionWriter::Open(path, R"({"kv":"auto"})");
    ASSERT_TRUE(writer.ok());
    // Two writers at once.
    const auto second = PredictionWriter::Open(path, R"({"kv":"auto"})");
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().Message().find("in use"), std::string::npos);
    ASSERT_TRUE((*writer)->Append(Example(0)).ok());
  }
  const auto other = PredictionWriter::Open(path, R"({"kv":"int8"})");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kBadInput);
  EXPECT_NE(other.error().Message().find("run.json"), std::string::npos);
  EXPECT_NE(other.error().Message().find("another kv (auto there, int8 here)"), std::string::npos);
  std::remove((path + "/run.json").c_str());
  EXPECT_FALSE(PredictionWriter::Open(path, R"({"kv":"auto"})").ok());
}

TEST(Record, ErrorsNameTheLine) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/x.jsonl";
  std::ofstream(path) << PredictionToJson(Example(0)) << "\n{\"id\":1}\n";
  auto reader = PredictionReader::Open(path);
  ASSERT_TRUE(reader.ok());
  Prediction got;
  ASSERT_TRUE((*reader)->Next(&got).ok());
  const auto second = (*reader)->Next(&got);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().Message().find("x.jsonl line 2"), std::string::npos) << second.error().Message();
  EXPECT_FALSE(PredictionReader::Open(dir.path() + "/none").ok());
  const auto folder = PredictionReader::Open(dir.path());
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().Message().find("Is a directory"), std::string::npos);
  // A read that fails is not the end of the record.
  const auto failing = PredictionReader::Open("/proc/self/mem");
  ASSERT_TRUE(failing.ok());
  const auto first = (*failing)->Next(&got);
  ASSERT_FALSE(first.ok());
  EXPECT_NE(first.error().Message().find("Input/output error"), std::string::npos);
  EXPECT_FALSE(CountLines("/proc/self/mem").ok());
}

std::string FailureOf(const Result<std::unique_ptr<PredictionWriter>>& result, ErrorCode code) {
  if (result.ok()) return "none";
  EXPECT_EQ(result.error().code, code) << result.error().Message();
  return result.error().Message();
}

TEST(Record, PlacesThatCannotBeWritten) {
  namespace fs = std::filesystem;
  const test::TempDir dir;
  const auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  test::WriteBytes(dir / "file", "x");
  EXPECT_TRUE(contains(FailureOf(PredictionWriter::Open(dir / "file", "i"), ErrorCode::kInternal),
                       "Not a directory"));
  ASSERT_TRUE(fs::create_directories(dir / "a/predictions.jsonl"));
  EXPECT_TRUE(
      contains(FailureOf(PredictionWriter::Open(dir / "a", "i"), ErrorCode::kInternal), "Is a directory"));
  ASSERT_TRUE(fs::create_directories(dir / "b/run.json"));
  EXPECT_TRUE(
      contains(FailureOf(PredictionWriter::Open(dir / "b", "i"), ErrorCode::kBadInput), "Is a directory"));
  ASSERT_TRUE(fs::create_directories(dir / "c"));
  fs::create_symlink("/dev/full", dir / "c/predictions.jsonl");
  EXPECT_TRUE(
      contains(FailureOf(PredictionWriter::Open(dir / "c", "i"), ErrorCode::kInternal), "regular file"));
  ASSERT_TRUE(fs::create_directories(dir / "d"));
  fs::create_symlink("/dev/full", dir / "d/run.json");
  EXPECT_NE(FailureOf(PredictionWriter::Open(dir / "d", "i"), ErrorCode::kBadInput), "none");
}

TEST(Record, ALimitOnSizesIsAnErrorAndTheNextRunGoesOn) {
  const test::TempDir dir;
  {
    auto writer = PredictionWriter::Open(dir / "run", "identity");
    ASSERT_TRUE(writer.ok()) << writer.error().Message();
    ASSERT_TRUE((*writer)->Append(Example(0)).ok());
    const std::string whole = *ReadFile(dir / "run/predictions.jsonl", 1 << 20);
    const test::FileSizeLimit limit(whole.size() + 10);  // in the midst of the next line
    const Result<void> failed = (*writer)->Append(Example(1));
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
    EXPECT_NE(failed.error().Message().find("File too large"), std::string::npos);
  }
  auto writer = PredictionWriter::Open(dir / "run", "identity");
  ASSERT_TRUE(writer.ok()) << writer.error().Message();
  EXPECT_EQ((*writer)->rows(), 1);
  EXPECT_TRUE((*writer)->Append(Example(1)).ok());
  EXPECT_TRUE((*writer)->Close().ok());
  EXPECT_EQ(*CountLines(dir / "run/predictions.jsonl"), 2);
}

}  // namespace
}  // namespace gatehouse

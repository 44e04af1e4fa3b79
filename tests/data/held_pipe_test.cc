// Data from a pipe, which can be read once, for a program that reads them several times.
#include "data/held_pipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "data_fixtures.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

TEST(HoldPipes, APipeIsReadAsOftenAsWanted) {
  const TempFolder folder;
  const std::string pipe = folder.path() + "/rows.jsonl";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += R"({"id":"p)" + std::to_string(i) +
            R"(","label":"safe","messages":[{"role":"user","content":"a question"}]})" + "\n";
  std::thread writer([&] { std::ofstream(pipe) << text; });
  std::vector<DatasetReader::Input> inputs = {{pipe, {}}};
  const Result<void> held = HoldPipes(&inputs);
  writer.join();
  ASSERT_TRUE(held.ok()) << held.error().Message();
  for (int time = 0; time < 2; ++time) {
    const auto result = ReadData(inputs);
    ASSERT_FALSE(result.error.has_value()) << result.error->Message();
    ASSERT_EQ(result.rows.size(), 5000u);
    EXPECT_EQ(result.rows[4999].id, "p4999");
    EXPECT_EQ(result.rows[0].source, "rows") << "the pipe's name, not that of what holds it";
  }
}

TEST(HoldPipes, StandardInputIsADash) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int before = dup(STDIN_FILENO);
  ASSERT_EQ(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
  const std::string row = R"({"id":"a","label":"safe","messages":[{"role":"user","content":"a question"}]})";
  ASSERT_EQ(write(ends[1], row.data(), row.size()), static_cast<ssize_t>(row.size()));
  close(ends[1]);
  std::vector<DatasetReader::Input> inputs = {{"-", {}}};
  const Result<void> held = HoldPipes(&inputs);
  ASSERT_TRUE(held.ok()) << held.error().Message();
  dup2(before, STDIN_FILENO);
  close(before);
  close(ends[0]);
  const auto result = ReadData(inputs);
  ASSERT_FALSE(result.error.has_value()) << result.error->Message();
  ASSERT_EQ(result.rows.size(), 1u);
  EXPECT_EQ(result.rows[0].source, "stdin");
}

TEST(HoldPipes, FilesStayWhereTheyAre) {
  const TempFolder folder;
  std::vector<DatasetReader::Input> inputs = {{folder.Write("a.jsonl", ""), {}}, {"/no/such/file", {}}};
  ASSERT_TRUE(HoldPipes(&inputs).ok());
  for (const DatasetReader::Input& input : inputs) EXPECT_EQ(input.Place(), input.path);
}

TEST(HoldPipes, SaysWhereThereIsNoRoom) {
  const TempFolder folder;
  const std::string path = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TMPDIR", (folder.path() + "/none").c_str(), 1);
  std::vector<DatasetReader::Input> inputs = {{path, {}}};
  const Result<void> held = HoldPipes(&inputs);
  if (before == nullptr) {
    unsetenv("TMPDIR");
  } else {
    setenv("TMPDIR", kept.c_str(), 1);
  }
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().code, ErrorCode::kInternal);
  EXPECT_THAT(held.error().Message(), HasSubstr("TMPDIR"));
}

}  // namespace
}  // namespace gatehouse

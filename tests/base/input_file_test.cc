#include "base/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/mapped_file.h"
#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::TempDir;
using test::WriteBytes;
using testing::AllOf;
using testing::HasSubstr;

// "" where there is no error.
template <typename T>
std::string MessageOf(const Result<T>& result) {
  return result.ok() ? std::string() : result.error().Message();
}

TEST(ReadFile, GivesEveryByte) {
  const TempDir directory;
  for (const size_t size : {0u, 1u, 65535u, 65536u, 65537u, 300000u}) {
    const std::string text(size, '\x81');
    WriteBytes(directory / "file", text);
    EXPECT_EQ(*ReadFile(directory / "file", size), text);
    if (size == 0) continue;
    EXPECT_THAT(MessageOf(ReadFile(directory / "file", size - 1)), HasSubstr("too large"));
  }
}

TEST(ReadFile, ErrorsHaveTheSystemsWordsAndTheCallersCode) {
  const TempDir directory;
  const auto missing = ReadFile(directory / "missing", 10, ErrorCode::kModel);
  EXPECT_THAT(MessageOf(missing),
              AllOf(HasSubstr(directory / "missing"), HasSubstr("expected a readable file"),
                    HasSubstr("No such file or directory")));
  EXPECT_EQ(missing.error().code, ErrorCode::kModel);
  const auto folder = ReadFile(directory.path(), 10);
  EXPECT_THAT(MessageOf(folder), AllOf(HasSubstr(directory.path()), HasSubstr("Is a directory")));
  EXPECT_EQ(folder.error().code, ErrorCode::kBadInput);
  // It can be opened, but there is nothing to read at its beginning.
  EXPECT_THAT(MessageOf(ReadFile("/proc/self/mem", 10)), HasSubstr("Input/output error"));

  WriteBytes(directory / "secret", "x");
  ASSERT_EQ(::chmod((directory / "secret").c_str(), 0), 0);
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  const test::Nobody nobody;
  EXPECT_THAT(MessageOf(ReadFile(directory / "secret", 10)), HasSubstr("Permission denied"));
  EXPECT_THAT(MessageOf(MappedFile::Open(directory / "secret")), HasSubstr("Permission denied"));
}

TEST(ReadFile, APipeIsAFile) {
  const TempDir directory;
  const std::string path = directory / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string text(200000, 'x');
  std::thread writer([&] { WriteBytes(path, text); });
  EXPECT_EQ(*ReadFile(path, text.size()), text);
  writer.join();
}

TEST(IsThere, ALinkThatLeadsNowhereIsThere) {
  const TempDir directory;
  EXPECT_FALSE(*IsThere(directory / "x"));
  EXPECT_FALSE(ReadFileIfThere(directory / "x", 10)->has_value());
  ASSERT_EQ(::symlink("nowhere", (directory / "x").c_str()), 0);
  EXPECT_TRUE(*IsThere(directory / "x"));
  EXPECT_THAT(MessageOf(ReadFileIfThere(directory / "x", 10)), HasSubstr("No such file or directory"));
  WriteBytes(directory / "y", "text");
  EXPECT_EQ(**ReadFileIfThere(directory / "y", 10), "text");
  EXPECT_FALSE(*IsThere(directory / "y/z")) << "a file has nothing in it";
}

TEST(IsThere, IsAnErrorWhereTheSystemDoesNotSay) {
  const TempDir directory;
  WriteBytes(directory / "closed/x", "text");
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((directory / "closed").c_str(), 0), 0);
  {
    const test::Nobody nobody;
    EXPECT_THAT(MessageOf(IsThere(directory / "closed/x")), HasSubstr("Permission denied"));
  }
  ASSERT_EQ(::chmod((directory / "closed").c_str(), 0700), 0);
}

TEST(IsSameFile, LooksThroughLinks) {
  const TempDir directory;
  WriteBytes(directory / "a", "x");
  WriteBytes(directory / "b", "x");
  ASSERT_EQ(::symlink("a", (directory / "link").c_str()), 0);
  EXPECT_TRUE(IsSameFile(directory / "a", directory / "link"));
  EXPECT_TRUE(IsSameFile(directory.path(), directory / "."));
  EXPECT_FALSE(IsSameFile(directory / "a", directory / "b"));
  EXPECT_FALSE(IsSameFile(directory / "none", directory / "none"));
}

TEST(MappedFile, MapsFilesAndNothingElse) {
  const TempDir directory;
  WriteBytes(directory / "empty", "");
  WriteBytes(directory / "file", "text");
  EXPECT_EQ(MappedFile::Open(directory / "empty")->bytes().size(), 0u);
  EXPECT_EQ(MappedFile::Open(directory / "file")->bytes().size(), 4u);
  EXPECT_THAT(MessageOf(MappedFile::Open(directory.path())), HasSubstr("Is a directory"));
  EXPECT_THAT(MessageOf(MappedFile::Open(directory / "none")), HasSubstr("No such file or directory"));
  EXPECT_THAT(MessageOf(MappedFile::Open("/dev/null")), HasSubstr("expected a regular file"));
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(MessageOf(MappedFile::Open(directory / "pipe")), HasSubstr("expected a regular file"));
}

}  // namespace
}  // namespace gatehouse

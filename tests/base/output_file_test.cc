#include "base/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::ReadBytes;
using test::TempDir;
using test::WriteBytes;
using testing::AllOf;
using testing::HasSubstr;

// The message, of an error that is the system's; "" where there is none.
template <typename T>
std::string MessageOf(const Result<T>& result) {
  if (result.ok()) return {};
  EXPECT_EQ(result.error().code, ErrorCode::kInternal) << result.error().Message();
  return result.error().Message();
}

size_t Entries(const std::string& directory) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

TEST(OutputFile, IsWholeOrNotThere) {
  const TempDir directory;
  const std::string path = directory / "file";
  std::string text;
  {
    Result<OutputFile> file = OutputFile::Create(path);
    ASSERT_TRUE(file.ok()) << file.error().Message();
    for (int i = 0; i < 100000; ++i) {
      const std::string line = "line " + std::to_string(i) + "\n";
      ASSERT_TRUE(file->Write(line).ok());
      text += line;
    }
    ASSERT_TRUE(file->Write(std::string(1 << 20, 'x')).ok());
    text += std::string(1 << 20, 'x');
    EXPECT_FALSE(fs::exists(path));
    EXPECT_TRUE(file->Commit().ok());
  }
  EXPECT_TRUE(ReadBytes(path) == text);
  EXPECT_EQ(Entries(directory.path()), 1u);
  {
    Result<OutputFile> dropped = OutputFile::Create(path);
    ASSERT_TRUE(dropped->Write("other").ok());
  }
  EXPECT_TRUE(ReadBytes(path) == text) << "what was there stays";
  EXPECT_EQ(Entries(directory.path()), 1u);
}

TEST(OutputFile, AFullDiskAndALimitAreErrors) {
  const TempDir directory;
  EXPECT_THAT(MessageOf(WriteFile("/dev/full", "text")),
              AllOf(HasSubstr("/dev/full"), HasSubstr("expected"), HasSubstr("No space left on device")));
  struct stat info {};
  ASSERT_EQ(::stat("/dev/full", &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode)) << "a device is written, not replaced";
  WriteBytes(directory / "file", "before");
  {
    const test::FileSizeLimit limit(4096);
    EXPECT_THAT(MessageOf(WriteFile(directory / "file", std::string(1 << 20, 'x'))),
                AllOf(HasSubstr(directory / "file"), HasSubstr("File too large")));
    EXPECT_THAT(MessageOf(WriteFile(directory / "file", std::string(5000, 'x'))), HasSubstr("File too large"))
        << "of what waited in the buffer until the end";
  }
  EXPECT_EQ(ReadBytes(directory / "file"), "before");
  EXPECT_EQ(Entries(directory.path()), 1u);
}

TEST(OutputFile, PlacesThatCannotBeWritten) {
  const TempDir directory;
  WriteBytes(directory / "file", "x");
  EXPECT_THAT(MessageOf(WriteFile(directory.path(), "text")),
              AllOf(HasSubstr(directory.path()), HasSubstr("Is a directory")));
  EXPECT_THAT(MessageOf(WriteFile(directory / "none/file", "text")), HasSubstr("No such file or directory"));
  EXPECT_THAT(MessageOf(WriteFile(directory / "file/file", "text")), HasSubstr("Not a directory"));
  EXPECT_THAT(MessageOf(WriteFile("", "text")), HasSubstr("No such file or directory"));
  ASSERT_EQ(::chmod(directory.path().c_str(), 0555), 0);
  {
    const test::Nobody nobody;
    EXPECT_THAT(MessageOf(WriteFile(directory / "new", "text")), HasSubstr("Permission denied"));
  }
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  EXPECT_EQ(Entries(directory.path()), 1u);
}

TEST(OutputFile, ALinkStaysAndItsTargetIsWritten) {
  const TempDir directory;
  WriteBytes(directory / "folder/file", "before");
  const auto link = [&](const char* target, const char* name) {
    ASSERT_EQ(::symlink(target, (directory / name).c_str()), 0);
  };
  link("file", "folder/link");
  link("folder/link", "chain");
  link("folder/new", "dangling");
  link("circle", "circle");
  ASSERT_TRUE(WriteFile(directory / "chain", "after").ok());
  EXPECT_EQ(ReadBytes(directory / "folder/file"), "after");
  EXPECT_TRUE(fs::is_symlink(directory / "chain") && fs::is_symlink(directory / "folder/link"));
  ASSERT_TRUE(WriteFile(directory / "dangling", "new").ok());
  EXPECT_EQ(ReadBytes(directory / "folder/new"), "new");
  EXPECT_TRUE(fs::is_symlink(directory / "dangling"));
  EXPECT_THAT(MessageOf(WriteFile(directory / "circle", "text")), HasSubstr("Too many levels"));
}

TEST(OutputFile, KeepsWhoMayRead) {
  const TempDir directory;
  WriteBytes(directory / "file", "secret");
  ASSERT_EQ(::chmod((directory / "file").c_str(), 0600), 0);
  ASSERT_TRUE(WriteFile(directory / "file", "another").ok());
  struct stat info {};
  ASSERT_EQ(::stat((directory / "file").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(OutputFile, OneWriterAtATime) {
  const TempDir directory;
  const std::string path = directory / "file";
  WriteBytes(path + ".part", "what a kill left, longer than what follows");
  Result<OutputFile> first = OutputFile::Create(path);
  ASSERT_TRUE(first.ok()) << first.error().Message();
  EXPECT_THAT(MessageOf(OutputFile::Create(path)), HasSubstr("is being written"));
  ASSERT_TRUE(first->Write("first").ok());
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(ReadBytes(path), "first");
  EXPECT_TRUE(WriteFile(path, "second").ok());
  EXPECT_EQ(ReadBytes(path), "second");
}

TEST(OutputFile, APipeIsWrittenAsItIs) {
  const TempDir directory;
  const std::string path = directory / "pipe", text(200000, 'x');
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = ReadBytes(path); });
  EXPECT_EQ(MessageOf(WriteFile(path, text)), "");
  reader.join();
  EXPECT_TRUE(got == text);
  EXPECT_EQ(Entries(directory.path()), 1u);
}

TEST(OutputFile, AnOpenFilesNameIsWrittenAtItsEnd) {
  const TempDir directory;
  const Descriptor file(::creat((directory / "file").c_str(), 0600));
  ASSERT_EQ(WriteFully(file.number(), "before "), 0);
  ASSERT_TRUE(WriteFile("/dev/fd/" + std::to_string(file.number()), "after").ok());
  EXPECT_EQ(ReadBytes(directory / "file"), "before after");
  EXPECT_EQ(Entries(directory.path()), 1u);
}

TEST(CopyFile, ErrorsSayWhichSide) {
  const TempDir directory;
  const std::string text(700000, 'y');
  WriteBytes(directory / "from", text);
  ASSERT_TRUE(CopyFile(directory / "from", directory / "to", ErrorCode::kModel).ok());
  EXPECT_TRUE(ReadBytes(directory / "to") == text);
  const auto unread = CopyFile(directory / "none", directory / "to", ErrorCode::kModel);
  ASSERT_FALSE(unread.ok());
  EXPECT_EQ(unread.error().code, ErrorCode::kModel);
  EXPECT_THAT(MessageOf(CopyFile(directory / "from", "/dev/full", ErrorCode::kModel)),
              HasSubstr("/dev/full"));
  // A read that fails half way leaves the earlier copy.
  EXPECT_FALSE(CopyFile("/proc/self/mem", directory / "to", ErrorCode::kModel).ok());
  EXPECT_TRUE(ReadBytes(directory / "to") == text);
}

TEST(MakeDirectories, MakesWhatIsMissing) {
  const TempDir directory;
  EXPECT_TRUE(MakeDirectories(directory / "a/b//c/").ok());
  EXPECT_TRUE(MakeDirectories(directory / "a/b/c").ok());
  EXPECT_TRUE(fs::is_directory(directory / "a/b/c"));
  WriteBytes(directory / "file", "x");
  EXPECT_THAT(MessageOf(MakeDirectories(directory / "file")), HasSubstr("Not a directory"));
  EXPECT_THAT(MessageOf(MakeDirectories(directory / "file/x")), HasSubstr("Not a directory"));
  EXPECT_THAT(MessageOf(MakeDirectories("")), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace gatehouse

// Where convert and prune write, and what they do when it cannot be written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "checkpoint/convert.h"
#include "checkpoint/output_directory.h"
#include "checkpoint/prune.h"
#include "checkpoint/small_models.h"
#include "support/checkpoint_maker.h"
#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::MessageOf;
using testing::AllOf;
using testing::HasSubstr;

void Link(const std::string& target, const std::string& path) {
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
}

std::set<std::string> NamesIn(const std::string& directory) {
  std::set<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory)) out.insert(entry.path().filename());
  return out;
}

TEST(ConvertOutput, ALinkStaysAndItsTargetIsWritten) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  ASSERT_TRUE(fs::create_directories(directory / "disk/empty"));
  Link("disk/empty", directory / "to-empty");
  Link("disk/new", directory / "to-new");
  for (const char* name : {"empty", "new"}) {
    // The second time an earlier conversion is replaced.
    for (int time = 0; time < 2; ++time) {
      const auto done =
          Convert({.input = directory / "hf", .output = directory / (std::string("to-") + name)});
      ASSERT_TRUE(done.ok()) << done.error().Message();
      EXPECT_TRUE(fs::is_symlink(directory / (std::string("to-") + name)));
      EXPECT_TRUE(Checkpoint::Open(directory / (std::string("disk/") + name)).ok());
    }
  }
  EXPECT_EQ(NamesIn(directory.path()), (std::set<std::string>{"disk", "hf", "to-empty", "to-new"}));
  EXPECT_EQ(NamesIn(directory / "disk"), (std::set<std::string>{"empty", "new"}));
}

TEST(ConvertOutput, NothingOfTheUsersIsRemoved) {
  const test::TempDir directory;
  // Names that come to mind for what is beside OUT.
  for (const char* name : {"out.part", "out.old"}) {
    test::WriteModel(test::SmallLlama(false), directory / name);
    ASSERT_TRUE(Convert({.input = directory / name, .output = directory / "out"}).ok());
    EXPECT_TRUE(Checkpoint::Open(directory / name).ok()) << name;
  }
  test::WriteBytes(directory / "out/notes.txt", "mine");
  EXPECT_THAT(MessageOf(Convert({.input = directory / "out.old", .output = directory / "out"})),
              HasSubstr("notes.txt"));
  EXPECT_EQ(test::ReadBytes(directory / "out/notes.txt"), "mine");
}

TEST(ConvertOutput, InputsAreNotWrittenOver) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  test::WriteBytes(directory / "m.gguf", test::AsGguf(directory / "hf", test::SmallLlama(false), 0));
  Link("hf", directory / "link");
  for (const char* output : {"hf", "hf/", "link", "hf/../hf"}) {
    const auto refused = Convert({.input = directory / "hf", .output = directory / output});
    EXPECT_THAT(MessageOf(refused), HasSubstr("output is the input")) << output;
    EXPECT_EQ(refused.error().code, ErrorCode::kUsage);
  }
  EXPECT_THAT(MessageOf(Convert({.input = directory / "m.gguf", .output = directory / "m.gguf"})),
              HasSubstr("output is the input"));
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = directory.path()})),
              HasSubstr("input is in the output"));
  EXPECT_THAT(MessageOf(Prune({.input = directory / "hf", .output = directory / "link"})),
              HasSubstr("output is the input"));
  EXPECT_TRUE(Checkpoint::Open(directory / "hf").ok());
}

TEST(ConvertOutput, ALimitOnSizesIsAnErrorAndLeavesNothing) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  ASSERT_TRUE(Convert({.input = directory / "hf", .output = directory / "before"}).ok());
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{4096}}) {
    for (const char* output : {"out", "before"}) {
      Result<void> failed;
      {
        const test::FileSizeLimit limit(bytes);
        failed = Convert({.input = directory / "hf", .output = directory / output});
      }
      EXPECT_THAT(MessageOf(failed), AllOf(HasSubstr("cannot write file"), HasSubstr("File too large")));
      EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
      EXPECT_EQ(NamesIn(directory.path()), (std::set<std::string>{"before", "hf"}));
    }
  }
  EXPECT_TRUE(Checkpoint::Open(directory / "before").ok()) << "the earlier conversion stays";
}

TEST(ConvertOutput, PlacesThatCannotBeWritten) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama(false), directory / "hf");
  test::WriteBytes(directory / "file", "x");
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = directory / "file/out"})),
              HasSubstr("Not a directory"));
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = directory / "file"})),
              HasSubstr("output exists"));
  // A directory of another file system cannot be exchanged for ours.
  EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = "/proc"})), HasSubstr("output exists"));
}

TEST(ConvertOutput, ACompanionThatCannotBeReadIsAnError) {
  const test::TempDir directory;
  for (const char* name : {"tokenizer.json", "policy.json"}) {
    test::WriteModel(test::SmallLlama(false), directory / "hf");
    const std::string at = directory / "hf/" + name;
    ASSERT_TRUE(fs::create_directory(at));
    const auto folder = Convert({.input = directory / "hf", .output = directory / "out"});
    EXPECT_THAT(MessageOf(folder), AllOf(HasSubstr(name), HasSubstr("Is a directory")));
    EXPECT_EQ(folder.error().code, ErrorCode::kModel);
    ASSERT_TRUE(fs::remove(at));
    Link("nowhere", at);
    EXPECT_THAT(MessageOf(Convert({.input = directory / "hf", .output = directory / "out"})),
                AllOf(HasSubstr(name), HasSubstr("No such file or directory")));
    ASSERT_TRUE(fs::remove(at));
  }
  EXPECT_FALSE(fs::exists(directory / "out"));
}

TEST(OutputDirectory, OneWriterAtATime) {
  const test::TempDir directory;
  const std::string path = directory / "out";
  test::WriteBytes(path + ".gatehouse-part/left/by", "a kill");
  {
    auto first = OutputDirectory::Create(path, {"a"}, {});
    ASSERT_TRUE(first.ok()) << first.error().Message();
    EXPECT_TRUE(fs::is_empty(first->part()));
    const auto second = OutputDirectory::Create(path, {"a"}, {});
    ASSERT_FALSE(second.ok());
    EXPECT_THAT(second.error().Message(), HasSubstr("being written"));
    test::WriteBytes(first->part() + "/a", "1");
    ASSERT_TRUE(first->Publish().ok());
    EXPECT_EQ(test::ReadBytes(path + "/a"), "1");
    EXPECT_TRUE(OutputDirectory::Create(path, {"a"}, {}).ok());
  }
  EXPECT_EQ(NamesIn(directory.path()), std::set<std::string>{"out"});
}

TEST(PruneOutput, ALimitOnSizesIsAnErrorAndTheNextRunGoesOn) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  const PruneOptions options = {
      .input = directory / "scout", .output = directory / "out", .max_shard_bytes = 30000};
  Result<void> failed;
  {
    const test::FileSizeLimit limit(9000);
    failed = Prune(options);
  }
  EXPECT_THAT(MessageOf(failed), AllOf(HasSubstr("cannot write file"), HasSubstr("File too large")));
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  for (const std::string& name : NamesIn(directory / "out")) EXPECT_FALSE(name.ends_with(".part")) << name;
  const Result<void> done = Prune(options);
  EXPECT_TRUE(done.ok()) << done.error().Message();
  EXPECT_TRUE(Checkpoint::Open(directory / "out").ok());
}

TEST(PruneOutput, ADirectoryInAFilesPlace) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  ASSERT_TRUE(fs::create_directory(directory / "scout/tokenizer.model"));
  const auto unread = Prune({.input = directory / "scout", .output = directory / "out"});
  EXPECT_THAT(MessageOf(unread), AllOf(HasSubstr("scout/tokenizer.model"), HasSubstr("Is a directory")));
  EXPECT_EQ(unread.error().code, ErrorCode::kModel);
  ASSERT_TRUE(fs::remove(directory / "scout/tokenizer.model"));
  // The interrupted run goes on, and finds a directory where it writes.
  fs::remove(directory / "out/config.json");
  ASSERT_TRUE(fs::create_directory(directory / "out/config.json"));
  const auto unwritten = Prune({.input = directory / "scout", .output = directory / "out"});
  EXPECT_THAT(MessageOf(unwritten), AllOf(HasSubstr("out/config.json"), HasSubstr("Is a directory")));
  EXPECT_EQ(unwritten.error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace gatehouse

// What lies at a path is named without waiting for it.
#include "base/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temp_dir.h"

namespace gatehouse {
namespace {

TEST(FileKind, OfAPath) {
  const test::TempDir directory;
  test::WriteBytes(directory / "pointer",
                   "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  EXPECT_THAT(DescribeFileAt(directory / "pointer"), testing::HasSubstr("Git LFS"));
  EXPECT_EQ(DescribeFileAt(directory / "nothing"), "");
  EXPECT_EQ(DescribeFileAt(directory.path()), "");
}

TEST(FileKind, APipeIsNotOpened) {
  const test::TempDir directory;
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(DescribeFileAt(directory / "pipe"), "");
}

}  // namespace
}  // namespace gatehouse

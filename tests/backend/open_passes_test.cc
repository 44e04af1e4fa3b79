// Whose failure is whose, where passes take place within each other.
#include "backend/open_passes.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"

namespace gatehouse {
namespace {

TEST(OpenPasses, KeepTheFirstFailureOfAPass) {
  OpenPasses passes;
  passes.Begin();
  EXPECT_TRUE(passes.MayGoOn());
  passes.Fail(InternalError("first"));
  passes.Fail(InternalError("second"));
  EXPECT_FALSE(passes.MayGoOn());
  const Result<void> end = passes.End();
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().what, "first");
  passes.Begin();
  EXPECT_TRUE(passes.MayGoOn());
  EXPECT_TRUE(passes.End().ok());
}

TEST(OpenPasses, AnInnerFailureIsNotTheOuterOnes) {
  OpenPasses passes;
  passes.Begin();
  passes.Begin();
  passes.Fail(InternalError("inner"));
  EXPECT_FALSE(passes.End().ok());
  EXPECT_TRUE(passes.MayGoOn());
  passes.Begin();
  EXPECT_TRUE(passes.MayGoOn());
  EXPECT_TRUE(passes.End().ok());
  EXPECT_TRUE(passes.End().ok());
}

TEST(OpenPasses, AFailureOfUnknownOriginEndsAll) {
  OpenPasses passes;
  passes.Begin();
  passes.Begin();
  passes.FailAll(InternalError("device"));
  EXPECT_FALSE(passes.End().ok());
  EXPECT_FALSE(passes.End().ok());
  passes.Begin();
  EXPECT_TRUE(passes.End().ok());
}

TEST(OpenPasses, AreOneThreadsAtATime) {
  OpenPasses passes;
  for (int round = 0; round < 3; ++round) {
    std::thread([&] {
      passes.Begin();
      EXPECT_TRUE(passes.MayGoOn());
      EXPECT_TRUE(passes.End().ok());
    }).join();
  }
}

#ifndef NDEBUG
TEST(OpenPassesDeathTest, RefuseAnotherThread) {
  EXPECT_DEATH(
      {
        OpenPasses passes;
        passes.Begin();
        std::thread([&] { (void)passes.MayGoOn(); }).join();
      },
      "another thread");
}
TEST(OpenPassesDeathTest, RefuseAnOperationOutsideAPass) {
  EXPECT_DEATH((void)OpenPasses().MayGoOn(), "outside any pass");
}
#endif

}  // namespace
}  // namespace gatehouse

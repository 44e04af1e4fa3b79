#include "backend/create.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(CreateBackend, KnowsTheCpu) {
  const auto backend = CreateBackend({.device = "cpu", .threads = 1, .f32 = true});
  ASSERT_TRUE(backend.ok()) << backend.error().Message();
  EXPECT_EQ((*backend)->Describe().rfind("cpu", 0), 0u);
  EXPECT_FALSE((*backend)->ComputesInBf16());
  EXPECT_TRUE((*backend)->ExactInCompany());
}

TEST(CreateBackend, RefusesAnotherDevice) {
  for (const char* name : {"cuda", "CPU", "", "cpu "}) {
    const auto backend = CreateBackend({.device = name});
    ASSERT_FALSE(backend.ok()) << name;
    EXPECT_EQ(backend.error().code, ErrorCode::kUsage);
    EXPECT_EQ(backend.error().expected, "cpu");
    EXPECT_EQ(backend.error().found, name);
  }
}

TEST(CreateBackend, RefusesTooManyThreads) {
  const auto backend = CreateBackend({.threads = 1025});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.error().code, ErrorCode::kUsage);
  EXPECT_EQ(backend.error().found, "1025");
}

}  // namespace
}  // namespace gatehouse

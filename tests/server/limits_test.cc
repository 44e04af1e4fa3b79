#include "server/limits.h"

#include <gtest/gtest.h>

namespace gatehouse::server {
namespace {

TEST(Limits, RequestsOfAMinute) {
  Limits limits;
  Key key;
  key.name = "a";
  key.requests_per_minute = 6;
  const auto begin = Limits::Clock::now();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limits.TakeRequest(key, begin), 0) << i;
  EXPECT_NEAR(limits.TakeRequest(key, begin), 10, 1e-6);  // one in ten seconds
  EXPECT_NEAR(limits.TakeRequest(key, begin + std::chrono::seconds(4)), 6, 1e-6);
  EXPECT_EQ(limits.TakeRequest(key, begin + std::chrono::seconds(11)), 0);
  EXPECT_GT(limits.TakeRequest(key, begin + std::chrono::seconds(11)), 0);
  key.name = "b";  // another's
  EXPECT_EQ(limits.TakeRequest(key, begin), 0);
}

TEST(Limits, UnfinishedTokensComeBack) {
  Limits limits;
  Key key;
  key.name = "a";
  key.max_unfinished_tokens = 100;
  auto first = limits.TakeTokens(key, 60);
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(limits.TakeTokens(key, 41), nullptr);
  EXPECT_NE(limits.TakeTokens(key, 40), nullptr);
  first.reset();
  EXPECT_NE(limits.TakeTokens(key, 1000), nullptr);  // alone, any size
}

}  // namespace
}  // namespace gatehouse::server

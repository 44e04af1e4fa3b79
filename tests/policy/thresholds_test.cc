#include "policy/thresholds.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using Own = std::vector<std::pair<std::string, double>>;

TEST(Thresholds, Text) {
  const auto both = ParseThresholds("0.4,S4=0.1");
  ASSERT_TRUE(both.ok());
  EXPECT_TRUE(both->replaces);
  EXPECT_EQ(both->overall, 0.4);
  EXPECT_EQ(both->categories, (Own{{"S4", 0.1}}));
  EXPECT_FALSE(ParseThresholds("S4=0.1")->replaces);
  EXPECT_TRUE(ParseThresholds("none,S4=0.1")->replaces);
  EXPECT_EQ(ParseThresholds("none,S4=0.1")->overall, std::nullopt);
  for (const char* text :
       {"", ",", "x", "1.5", "-0.1", "nan", "0.4,0.5", "=0.4", "S4=", "S4=none", "0.4x", "0.4,"}) {
    EXPECT_FALSE(ParseThresholds(text).ok()) << text;
  }
}

TEST(Thresholds, Json) {
  const auto both = ParseThresholdsJson(R"({"threshold":null,"thresholds":{"S4":0.1,"S1":1}})", "t");
  ASSERT_TRUE(both.ok());
  EXPECT_TRUE(both->replaces);
  EXPECT_EQ(both->overall, std::nullopt);
  EXPECT_EQ(both->categories, (Own{{"S4", 0.1}, {"S1", 1.0}}));
  for (const char* text : {"[]", "{\"threshold\":2}", "{\"x\":1}", "{\"thresholds\":{\"S1\":\"a\"}}",
                           "{\"threshold\":1,\"threshold\":0}"}) {
    EXPECT_FALSE(ParseThresholdsJson(text, "t").ok()) << text;
  }
}

}  // namespace
}  // namespace gatehouse

#include "policy/thresholds.h"

#include <gtest/gtest.h>

#include "policy/verdict.h"

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

TEST(Thresholds, TheStricterOfTwo) {
  Policy policy;
  policy.threshold = 0.5;
  policy.categories = {Category{}, Category{}};
  policy.categories[0].key = "S1";
  policy.categories[0].threshold = 0.3;
  policy.categories[1].key = "S2";
  const auto stricter = [&](const char* own, const char* asked) {
    const auto thresholds = [](const char* text) {
      return *text == 0 ? Thresholds() : *ParseThresholds(text);
    };
    return Stricter(policy, thresholds(own), thresholds(asked));
  };
  // Of the whole score: the policy's, one of the key's, none.
  EXPECT_EQ(stricter("", "0.4").overall, 0.4);
  EXPECT_EQ(stricter("", "0.6").overall, 0.5);
  EXPECT_FALSE(stricter("", "none").replaces);
  EXPECT_EQ(stricter("0.2", "0.4").overall, 0.2);
  EXPECT_EQ(stricter("none", "0.9").overall, 0.9);
  EXPECT_EQ(stricter("none", "none").overall, std::nullopt);
  // Of categories.
  EXPECT_EQ(stricter("", "S1=0.9,S2=0.9").categories, (Own{{"S1", 0.3}, {"S2", 0.9}}));
  EXPECT_EQ(stricter("S1=0.6", "S1=0.5").categories, (Own{{"S1", 0.5}}));
  EXPECT_EQ(stricter("S1=0.1", "S1=0.5").categories, (Own{{"S1", 0.1}}));
}

}  // namespace
}  // namespace gatehouse

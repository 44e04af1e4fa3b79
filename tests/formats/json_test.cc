#include "formats/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>

#include "formats/json_object.h"

namespace gatehouse {
namespace {

using ::testing::HasSubstr;

std::string Printed(const char* format, int precision, double value) {
  char text[400];
  std::snprintf(text, sizeof text, format, precision, value);
  return text;
}

// Without the zeros at the end of a fraction, and its point where nothing is left.
std::string WithoutZeros(std::string text) {
  if (text.find('.') == text.npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

TEST(JsonFigures, DigitsAreThoseOfPrintf) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> share(0, 1);
  for (int i = 0; i < 20000; ++i) {
    double value = share(random);
    if (i % 3 == 1) value = std::pow(10, -12 * value);  // small ones are written with an exponent
    if (i % 3 == 2) value = static_cast<float>(value);
    EXPECT_EQ(ShortFigures(JsonWithDigits(value, 9).dump()), Printed("%.*g", 9, value));
    EXPECT_EQ(ShortFigures(JsonWithDecimals(value * 5000, 3).dump()),
              WithoutZeros(Printed("%.*f", 3, value * 5000)));
  }
  for (const double value : {0.0, 1.0, 0.5, 1e-4, 9.9999e-5, 1e-5, 0.99999999999, 123456789.0}) {
    EXPECT_EQ(ShortFigures(JsonWithDigits(value, 9).dump()), Printed("%.*g", 9, value));
    EXPECT_EQ(ShortFigures(JsonWithDecimals(value, 2).dump()), WithoutZeros(Printed("%.*f", 2, value)));
  }
  EXPECT_EQ(JsonWithDigits(std::numeric_limits<double>::infinity(), 9), nullptr);
  EXPECT_EQ(JsonWithDecimals(std::nan(""), 2), nullptr);
  EXPECT_EQ(JsonWithDecimals(1e300, 2), 1e300);
}

TEST(JsonFigures, OnlyFiguresAreWrittenAnew) {
  const double uneven = 0.509690166;
  ASSERT_EQ(Json(uneven).dump(), "0.5096901659999999");  // else this test shows nothing
  const Json json = {{"a", uneven},
                     {"0.5096901659999999", "0.5096901659999999"},
                     {"\\", "\"0.5096901659999999"},
                     {"n", {-uneven, 1.0, 12, -3, nullptr, true, 1e-7, 1.5e300}}};
  EXPECT_EQ(ShortFigures(json.dump()),
            R"({"a":0.509690166,"0.5096901659999999":"0.5096901659999999","\\":"\"0.5096901659999999",)"
            R"("n":[-0.509690166,1.0,12,-3,null,true,1e-07,1.5e+300]})");
}

TEST(JsonObject, MembersInOrder) {
  EXPECT_EQ(JsonObject().Text(), "{}");
  const std::vector<int64_t> shape = {2, 3};
  EXPECT_EQ(
      JsonObject()
          .Add("z", "a\"\n\xff")
          .Add("yes", true)
          .Add("n", 3)
          .Add("wide", int64_t{1} << 40)
          .Add("x", 0.1)
          .Add("none", std::numeric_limits<double>::quiet_NaN())
          .Add("shape", shape)
          .Add("flags", std::vector<uint8_t>{0, 1})
          .Add("in", JsonObject().Add("a", std::string("b")))
          .AddRounded("ms", 12.3456, 2)
          .Text(),
      "{\"z\":\"a\\\"\\n\xef\xbf\xbd\",\"yes\":true,\"n\":3,\"wide\":1099511627776,\"x\":0.1,\"none\":null,"
      "\"shape\":[2,3],\"flags\":[0,1],\"in\":{\"a\":\"b\"},\"ms\":12.35}");
}

TEST(WithId, AnIdStaysAsItIs) {
  EXPECT_EQ(WithId("1e5", "{\"a\":1}"), "{\"id\":1e5,\"a\":1}");
  EXPECT_EQ(WithId("\"x\"", "{}"), "{\"id\":\"x\"}");
}

std::string Refusal(const std::string& text, size_t max_members = kFewMembers) {
  const Result<Json> json = ParseJson(text, "f", ErrorCode::kBadInput, max_members);
  return json.ok() ? "accepted" : json.error().Message();
}

std::string Nested(int levels) {
  return std::string(static_cast<size_t>(levels), '[') + std::string(static_cast<size_t>(levels), ']');
}

TEST(ParseJson, IsStrict) {
  EXPECT_THAT(Refusal(R"({"a":1,"b":{"a":1}})"), "accepted");
  EXPECT_THAT(Refusal(R"({"a":1,"a":1})"), HasSubstr("key \"a\" twice"));
  EXPECT_THAT(Refusal(R"([{"b":{"a":1,"c":2,"\u0061":1}}])"), HasSubstr("key \"a\" twice"));
  EXPECT_THAT(Refusal(Nested(64)), "accepted");
  EXPECT_THAT(Refusal(Nested(65)), HasSubstr("more than 64 levels"));
  EXPECT_THAT(Refusal("{\"a\":\"\xc3\x28\"}"), HasSubstr("malformed JSON in f"));
  for (const char* text : {"", " ", "{", "{} {}", "{}x", "[1,]", "{a:1}", "[NaN]", "[1e999]", "'a'", "[01]",
                           "\"\\ud800\"", "// no\n1", "\xef\xbb\xbf\xef\xbb\xbf{}", "\xff\xfe{"})
    EXPECT_THAT(Refusal(text), HasSubstr("malformed JSON in f")) << text;
}

TEST(ParseJson, MembersAreCounted) {
  Json many = Json::object();
  for (size_t i = 0; i < kFewMembers; ++i) many.push_back({std::to_string(i), 0});
  EXPECT_EQ(Refusal(many.dump()), "accepted");
  many.push_back({"more", 0});
  EXPECT_THAT(Refusal(many.dump()), HasSubstr("more than 2048 members in an object"));
  EXPECT_EQ(Refusal(many.dump(), kManyMembers), "accepted");
}

TEST(SaysNothing, OfEveryKind) {
  for (const char* text : {"null", "false", "\"\"", "[]", "{}"})
    EXPECT_TRUE(SaysNothing(Json::parse(text))) << text;
  for (const char* text : {"true", "0", "0.0", "\" \"", "[null]", "{\"a\":null}"})
    EXPECT_FALSE(SaysNothing(Json::parse(text))) << text;
}

TEST(ShortJson, IsCut) {
  EXPECT_EQ(ShortJson(Json("\xc3\xa9\n")), "\"\\u00e9\\n\"");
  EXPECT_EQ(ShortJson(Json(std::string(100, 'x'))), "\"" + std::string(76, 'x') + "...");
}

}  // namespace
}  // namespace gatehouse

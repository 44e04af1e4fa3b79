#include "server/sse.h"

#include <gtest/gtest.h>

#include "policy/raw_member.h"
#include "server/decision.h"
#include "server/http/outgoing.h"
#include "server/streamed_choice.h"

namespace gatehouse::server {
namespace {

using Texts = std::vector<std::string>;

Result<Texts> Read(const Texts& pieces) {
  EventReader reader;
  Texts out;
  for (const std::string& piece : pieces) GATEHOUSE_TRY(reader.Add(piece, &out));
  return out;
}

TEST(EventReader, TheSameWhereverItIsCut) {
  const std::string stream =
      ": hello\r\n\r\ndata: {\"a\":1}\n\nevent: x\nid: 7\ndata:{}\r\n\r\n\n\ndata:  two \nretry: "
      "1\n\ndata:\n\ndata: [DONE]\n\n";
  const Texts want = {"{\"a\":1}", "{}", " two ", "", "[DONE]"};
  for (size_t a = 0; a <= stream.size(); ++a) {
    for (size_t b = a; b <= stream.size(); ++b) {
      const auto read = Read({stream.substr(0, a), stream.substr(a, b - a), stream.substr(b)});
      ASSERT_TRUE(read.ok());
      ASSERT_EQ(*read, want) << a << " " << b;
    }
  }
}

TEST(EventReader, WhatIsRefused) {
  EXPECT_FALSE(Read({"data: a\ndata: b\n\n"}).ok());
  EXPECT_FALSE(Read({"datum: a\n"}).ok());
  EXPECT_FALSE(Read({" data: a\n"}).ok());
  EXPECT_FALSE(Read({"data: a\rdata: b\n"}).ok());
  EXPECT_FALSE(Read({std::string((1u << 20) + 1, 'a')}).ok());
  EXPECT_FALSE(Read({std::string(1u << 20, 'a'), "b"}).ok());
  EventReader reader;
  Texts out;
  EXPECT_TRUE(reader.Add("data: a\n", &out).ok());
  EXPECT_TRUE(reader.is_within());
  EXPECT_TRUE(reader.Add("\n", &out).ok());
  EXPECT_FALSE(reader.is_within());
}

TEST(WithoutMembers, EveryOtherByteStays) {
  const auto less = [](std::string_view text) { return WithoutMembers(text, {"x", "y"}); };
  EXPECT_EQ(less(R"( { "a" : 1e0 , "b":"x" } )"), R"( { "a" : 1e0 , "b":"x" } )");
  EXPECT_EQ(less(R"({"x": {"y": [1]}, "a":1.0})"), R"({"a":1.0})");
  EXPECT_EQ(less(R"({"a":1.0, "x": "}"})"), R"({"a":1.0})");
  EXPECT_EQ(less(R"({"a":1.0,"\u0078":2,"b": {"x": 3}, "y":4 })"), R"({"a":1.0,"b": {"x": 3} })");
  EXPECT_EQ(less(R"({ "x":1,"y":2 })"), R"({  })");
  EXPECT_EQ(less("\xEF\xBB\xBF{\"x\":1,\"a\":2}"), "\xEF\xBB\xBF{\"a\":2}");
}

TEST(ActionOf, TheStrongestOfThoseListed) {
  Verdict verdict;
  verdict.unsafe = true;
  verdict.categories = {"S1", "S6"};
  EXPECT_EQ(ActionOf(verdict, {}), Action::kBlock);
  EXPECT_EQ(ActionOf(verdict, {{"default", Action::kFlag}}), Action::kFlag);
  EXPECT_EQ(ActionOf(verdict, {{"default", Action::kIgnore}, {"S6", Action::kFlag}}), Action::kFlag);
  EXPECT_EQ(ActionOf(verdict, {{"S1", Action::kIgnore}, {"S6", Action::kFlag}}), Action::kFlag);
  EXPECT_EQ(ActionOf(verdict, {{"S1", Action::kIgnore}}), Action::kBlock);
  EXPECT_EQ(ActionOf(verdict, {{"default", Action::kIgnore}}, true, Asks::kBlock), Action::kBlock);
  EXPECT_EQ(ActionOf(verdict, {}, true, Asks::kScore), Action::kBlock);
  EXPECT_EQ(ActionOf(verdict, {}, false, Asks::kScore), Action::kFlag);
  verdict.categories = {"unknown"};
  EXPECT_EQ(ActionOf(verdict, {{"unknown", Action::kIgnore}, {"default", Action::kFlag}}), Action::kFlag);
  verdict.categories = {};
  EXPECT_EQ(ActionOf(verdict, {{"S1", Action::kIgnore}}), Action::kBlock);
  verdict.unsafe = false;
  EXPECT_EQ(ActionOf(verdict, {}, true, Asks::kBlock), Action::kIgnore);
}

TEST(ParseTarget, Addresses) {
  const auto good = ParseTarget("https://[::1]:8443/a/v1/", "u");
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(good->tls);
  EXPECT_EQ(good->host, "::1");
  EXPECT_EQ(good->port, "8443");
  EXPECT_EQ(good->base, "/a/v1");
  EXPECT_EQ(ParseTarget("http://models.test", "u")->port, "80");
  for (const char* bad : {"", "models.test", "ftp://a", "http://", "http://:80", "http://a:", "http://a:b",
                          "http://a@b", "http://a/v1?x", "http://a/v1#x", "http://a b", "http://a/\r\nX: y"})
    EXPECT_FALSE(ParseTarget(bad, "u").ok()) << bad;
}

}  // namespace
}  // namespace gatehouse::server

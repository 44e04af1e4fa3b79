#include "server/keys.h"

#include <gtest/gtest.h>

#include <set>

#include "server/client.h"

namespace gatehouse::server {
namespace {

// From `printf %s abc | sha256sum`.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Key KeyNamed(const char* name, const char* text) {
  Key out;
  out.name = name;
  out.digest = DigestOf(text);
  return out;
}

TEST(Keys, DigestsAreSha256) {
  const auto digest = ParseDigest(kAbc, "here");
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, DigestOf("abc"));
  for (const std::string bad :
       {"", "abc", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"})
    EXPECT_FALSE(ParseDigest(bad, "here").ok()) << bad;
}

TEST(Keys, AreFoundByWhatTheyAre) {
  const std::vector<Key> keys = {KeyNamed("a", "one"), KeyNamed("b", "two")};
  EXPECT_EQ(FindKey(keys, "two")->name, "b");
  EXPECT_EQ(FindKey(keys, "one")->name, "a");
  EXPECT_EQ(FindKey(keys, ""), nullptr);
  EXPECT_EQ(FindKey(keys, "On"), nullptr);
}

TEST(Keys, NewOnesDiffer) {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) {
    const auto key = NewKey();
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(key->size(), 46u);
    EXPECT_TRUE(made.insert(*key).second);
  }
}

TEST(Client, ShowsItsKeyInOneWayOrTwoThatAgree) {
  const auto of = [](Headers headers) {
    Request request;
    request.headers = std::move(headers);
    return KeyOf(request);
  };
  EXPECT_EQ(of({}).state, PresentedKey::kNone);
  EXPECT_EQ(of({{"authorization", "Bearer k"}}).key, "k");
  EXPECT_EQ(of({{"authorization", "bearer k"}}).key, "k");
  EXPECT_EQ(of({{"x-api-key", "k"}}).key, "k");
  EXPECT_EQ(of({{"x-api-key", "k"}, {"authorization", "Bearer k"}}).state, PresentedKey::kOne);
  EXPECT_EQ(of({{"x-api-key", "k"}, {"authorization", "Bearer l"}}).state, PresentedKey::kDiffer);
  EXPECT_EQ(of({{"authorization", "Bearer k"}, {"authorization", "Bearer l"}}).state, PresentedKey::kDiffer);
  EXPECT_EQ(of({{"authorization", "Basic k"}}).state, PresentedKey::kMalformed);
  EXPECT_EQ(of({{"authorization", "Basic k"}, {"x-api-key", "k"}}).state, PresentedKey::kMalformed);
}

TEST(Client, LoopbackHosts) {
  for (const char* good : {"localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"})
    EXPECT_TRUE(IsLoopbackHost(good)) << good;
  for (const char* bad : {"", "localhost.evil.org", "128.0.0.1", "127.0.0.1.evil.org", "[::2]", "0.0.0.0",
                          "127.1", "2130706433", "[::ffff:127.0.0.1]"})
    EXPECT_FALSE(IsLoopbackHost(bad)) << bad;
}

TEST(Client, PathsAreDecodedOnce) {
  EXPECT_EQ(PercentDecoded("a%2Fb%20c"), "a/b c");
  EXPECT_EQ(PercentDecoded("%252F"), "%2F");
  EXPECT_EQ(PercentDecoded("%zz%2%"), "%zz%2%");
  EXPECT_EQ(PercentDecoded("%+1%-1% 1"), "%+1%-1% 1");
  EXPECT_EQ(PercentDecoded("%C3%A9"), "\xC3\xA9");
}

}  // namespace
}  // namespace gatehouse::server

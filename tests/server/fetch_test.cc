// Which addresses images may be fetched from, and where in a request they stand.
#include "server/http/fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <set>

#include "server/image_urls.h"

namespace gatehouse::server {
namespace {

bool IsOpen(const char* text) {
  sockaddr_storage storage{};
  if (std::strchr(text, ':') != nullptr) {
    auto* own = reinterpret_cast<sockaddr_in6*>(&storage);
    own->sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, text, &own->sin6_addr), 1) << text;
  } else {
    auto* own = reinterpret_cast<sockaddr_in*>(&storage);
    own->sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, text, &own->sin_addr), 1) << text;
  }
  return IsOpenAddress(reinterpret_cast<const sockaddr*>(&storage));
}

TEST(Fetch, OpenAddresses) {
  for (const char* open : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.0", "192.167.1.1", "100.63.0.1",
                           "100.128.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
                           "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"})
    EXPECT_TRUE(IsOpen(open)) << open;
  for (const char* closed : {"0.0.0.0",
                             "10.1.2.3",
                             "100.64.0.1",
                             "127.0.0.1",
                             "127.255.1.1",
                             "169.254.169.254",
                             "172.16.0.1",
                             "172.31.9.9",
                             "192.168.0.1",
                             "192.0.0.8",
                             "198.18.0.1",
                             "224.0.0.1",
                             "240.0.0.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::127.0.0.1",
                             "fe80::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "::ffff:10.0.0.1",
                             "::ffff:127.0.0.1",
                             "64:ff9b::10.0.0.1",
                             "64:ff9b:1::1",
                             "2002:7f00:1::1",
                             "2002:a00:1::1",
                             "2001:db8::1",
                             "2001::1",
                             "100::1"})
    EXPECT_FALSE(IsOpen(closed)) << closed;
}

TEST(Fetch, AllowedHosts) {
  const auto read = [](const char* text) {
    const auto host = ParseAllowedHost(text, "--flag");
    return host.ok() ? host->host + " " + std::to_string(host->port) : "error";
  };
  EXPECT_EQ(read("Images.Example.ORG"), "images.example.org 0");
  EXPECT_EQ(read("a:8080"), "a 8080");
  EXPECT_EQ(read("[::1]:80"), "::1 80");
  EXPECT_EQ(read("::1"), "::1 0");
  for (const char* bad : {"", ":80", "a:", "a:0", "a:65536", "a:b", "a/b", "a b", "*", "user@a", "http://a"})
    EXPECT_EQ(read(bad), "error") << bad;
}

using Urls = std::vector<std::string>;

TEST(ImageUrls, StandWhereReadersLook) {
  const std::string body = R"({"model":"m","temperature":1.0,"messages":[
    {"role":"user","content":[{"type":"text","text":"http:\/\/text/"},
      {"type":"image_url","image_url":{"url":"http:\/\/a/1","detail":"low"}},{"type":"input_image","image_url":"HTTPS://a/2"},
      {"type":"image","source":{"type":"url","url":"http://a/3"}},{"type":"image","url":"http://a/4"},
      {"type":"tool_result","content":[{"type":"image","image":"http://a/5"}]},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,eA"}},{"type":"image","path":"http://p"}]},
    {"role":"assistant","tool_calls":[{"function":{"name":"get","arguments":{"url":"http://argument/","type":"image"}}}]},
    {"type":"function_call_output","output":[{"type":"input_image","image_url":"http://a/6"}]},
    {"role":"user","content":"http://words/","images":["http://a/7"]}],
    "input":[{"type":"image_url","image_url":{"url":"http://a/8"}}],"images":["http://a/9"],
    "tools":[{"type":"image","url":"http://tools/"}]})";
  const Urls urls = ImageUrlsIn(body);
  std::set<std::string> sorted(urls.begin(), urls.end());
  EXPECT_EQ(sorted,
            (std::set<std::string>{"http://a/1", "HTTPS://a/2", "http://a/3", "http://a/4", "http://a/5",
                                   "http://a/6", "http://a/7", "http://a/8", "http://a/9"}));
  std::vector<std::string> files;
  for (const std::string& url : urls) files.push_back("GIF8" + url);
  const std::string with = *WithImages(body, files);
  EXPECT_FALSE(WithImages(body, Urls(urls.size(), "root:x:0:0")).ok());
  EXPECT_TRUE(ImageUrlsIn(with).empty());
  // Each at its own place: the base64 of "GIF8http://a/3" stands in the source, and so on.
  EXPECT_NE(with.find(R"("source":{"type":"url","url":"data:image/gif;base64,R0lGOGh0dHA6Ly9hLzM="})"),
            std::string::npos)
      << with;
  EXPECT_NE(with.find(R"("images":["data:image/gif;base64,R0lGOGh0dHA6Ly9hLzc="])"), std::string::npos)
      << with;
  for (const char* kept : {"http://text/", "http://argument/", "http://words/", "http://tools/", "http://p"})
    EXPECT_NE(with.find(kept), std::string::npos) << kept;
  EXPECT_NE(with.find(R"("temperature":1.0)"), std::string::npos);
}

TEST(ImageUrls, None) {
  for (const char* body :
       {"", "{", "[]", "\"http://a\"", R"({"messages":"http://a"})", R"({"messages":[1,{"content":7}]})",
        R"({"input":"http://a"})", R"({"input":["http://a"]})", R"({"images":{"url":"http://a"}})"})
    EXPECT_TRUE(ImageUrlsIn(body).empty()) << body;
  std::string many = R"({"images":["http://a")";
  for (int i = 0; i < 100; ++i) many += R"(,"http://a")";
  EXPECT_EQ(ImageUrlsIn(many + "]}").size(), kMaxImageUrls + 1);
}

}  // namespace
}  // namespace gatehouse::server

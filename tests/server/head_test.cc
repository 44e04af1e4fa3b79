#include "server/http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::server {
namespace {

using namespace std::string_literals;

HeadEnd::State StateOf(const std::string& bytes) {
  size_t looked_at = 0;
  return FindHeadEnd(bytes, &looked_at).state;
}

// 0: read well.
int StatusOf(const std::string& lines) {
  const auto read = ReadHead("GET /a?b=c HTTP/1.1\r\n" + lines + "\r\n");
  const auto* error = std::get_if<HeadError>(&read);
  return error == nullptr ? 0 : error->status;
}

TEST(Head, EndIsFoundHoweverTheBytesArrive) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t step = 1; step <= head.size(); ++step) {
    size_t looked_at = 0;
    for (size_t size = 0; size < head.size(); size += step)
      EXPECT_EQ(FindHeadEnd(head.substr(0, size), &looked_at).state, HeadEnd::kMore) << step << " " << size;
    const HeadEnd end = FindHeadEnd(head + "more", &looked_at);
    EXPECT_EQ(end.state, HeadEnd::kFound);
    EXPECT_EQ(end.bytes, head.size());
  }
}

TEST(Head, WhatCannotBeOneIsSeenAtOnce) {
  EXPECT_EQ(StateOf("GET / HTTP/1.1\nHost: a\n\n"), HeadEnd::kBad);
  EXPECT_EQ(StateOf("GET / HTTP/1.1\rX"), HeadEnd::kBad);
  EXPECT_EQ(StateOf("GET /\0"s), HeadEnd::kBad);
  EXPECT_EQ(StateOf("\r\nGET"), HeadEnd::kBad);
  EXPECT_EQ(StateOf("GET " + std::string(kMaxHeadBytes, 'a')), HeadEnd::kTooLarge);
  EXPECT_EQ(StateOf("GET " + std::string(kMaxHeadBytes - 100, 'a')), HeadEnd::kMore);
}

TEST(Head, IsReadIntoItsParts) {
  const auto read =
      ReadHead("POST /a?b=c HTTP/1.1\r\nHOST: x\r\nContent-Length:  17 \r\nx-A: b: c\r\nX-A: d\r\n\r\n");
  const auto& head = std::get<Head>(read);
  EXPECT_EQ(head.request.method, "POST");
  EXPECT_EQ(head.request.path, "/a");
  EXPECT_EQ(head.request.query, "b=c");
  EXPECT_EQ(*head.request.Find("host"), "x");
  EXPECT_EQ(*head.request.Find("x-a"), "b: c");
  EXPECT_EQ(head.request.headers.size(), 4u);
  EXPECT_EQ(head.length, 17u);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.request.Find("x-b"), nullptr);
}

TEST(Head, FramingHasOneMeaningOrNone) {
  EXPECT_EQ(StatusOf("Host: a\r\n"), 0);
  EXPECT_EQ(StatusOf("Host: a\r\nContent-Length: 000017\r\n"), 0);
  EXPECT_EQ(StatusOf("Host: a\r\nContent-Length: 9999999999999999999\r\n"), 400);
  EXPECT_EQ(StatusOf("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(StatusOf("Host: a\r\nTransfer-Encoding: gzip\r\n"), 501);
  EXPECT_EQ(StatusOf("Host: a\r\nTransfer_Encoding: chunked\r\n"), 400);
  EXPECT_EQ(StatusOf(""), 400);
  EXPECT_EQ(StatusOf("Host: a\r\nHost: a\r\n"), 400);
  for (const char* good : {"a.b-c", "a:1", "[::1]", "[::1]:65535", "127.0.0.1:8080"})
    EXPECT_EQ(StatusOf("Host: "s + good + "\r\n"), 0) << good;
  for (const char* bad : {"", ":1", "a:", "a:123456", "[::1", "::1]", "a b", "a/b", "a@b", "a,b", "[]"})
    EXPECT_EQ(StatusOf("Host: "s + bad + "\r\n"), 400) << bad;
}

}  // namespace
}  // namespace gatehouse::server

// Bodies, and whether what is given to Beast is what it takes for granted: body.cc is compiled once more for
// this test, with Beast's assertions on in whatever build.
#include "server/http/body.h"

#include <gtest/gtest.h>

#include <boost/assert.hpp>

#include <string>

namespace boost {

void assertion_failed(char const* expression, char const* function, char const* file, long line) {
  ADD_FAILURE() << expression << " in " << function << ", " << file << ":" << line;
}
void assertion_failed_msg(char const* expression, char const*, char const* function, char const* file,
                          long line) {
  assertion_failed(expression, function, file, line);
}

}  // namespace boost

namespace gatehouse::server {
namespace {

TEST(Body, ChunksArePutTogetherHoweverTheyArrive) {
  Head head;
  head.chunked = true;
  const std::string bytes = "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nA: b\r\n\r\n";
  for (size_t step = 1; step <= bytes.size(); ++step) {
    BodyReader reader(head, 1000);
    std::string buffer;
    BodyReader::State state = BodyReader::kMore;
    for (size_t at = 0; at < bytes.size(); at += step) {
      EXPECT_EQ(state, BodyReader::kMore) << step;
      buffer += bytes.substr(at, step);
      state = reader.Take(&buffer);
    }
    EXPECT_EQ(state, BodyReader::kDone) << step;
    EXPECT_EQ(reader.body(), "abc0123456789");
    EXPECT_EQ(buffer, "");
  }
}

TEST(Body, LeavesWhatStandsBehindIt) {
  Head head;
  head.length = 3;
  std::string buffer = "abcGET /";
  BodyReader by_length(head, 3);
  EXPECT_EQ(by_length.Take(&buffer), BodyReader::kDone);
  EXPECT_EQ(buffer, "GET /");
  head.chunked = true;
  buffer = "3\r\nabc\r\n0\r\n\r\nGET /";
  BodyReader by_chunks(head, 3);
  EXPECT_EQ(by_chunks.Take(&buffer), BodyReader::kDone);
  EXPECT_EQ(buffer, "GET /");
}

TEST(Body, LimitsHold) {
  Head head;
  head.chunked = true;
  std::string buffer = "4\r\nabcd\r\n0\r\n\r\n";
  EXPECT_EQ(BodyReader(head, 3).Take(&buffer), BodyReader::kTooLarge);
  buffer = "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n";
  EXPECT_EQ(BodyReader(head, 3).Take(&buffer), BodyReader::kTooLarge);
  buffer = "fffffffffffffffff\r\n";
  EXPECT_EQ(BodyReader(head, 3).Take(&buffer), BodyReader::kBad);
}

// Beast 1.81 asserts that a last chunk of which it saw a part has five bytes when it looks again: where a
// body is empty, three may be there first and then four.
TEST(Body, AnEmptyOneMayArriveByteByByte) {
  Head head;
  head.chunked = true;
  const std::string bytes = "0\r\n\r\n";
  for (unsigned cuts = 0; cuts < 1u << (bytes.size() - 1); ++cuts) {
    BodyReader reader(head, 1000);
    std::string buffer;
    BodyReader::State state = BodyReader::kMore;
    for (size_t at = 0; at < bytes.size(); ++at) {
      buffer += bytes[at];
      if (at + 1 < bytes.size() && (cuts >> at & 1u) == 0) continue;  // arrives with the next one
      EXPECT_EQ(state, BodyReader::kMore) << cuts;
      state = reader.Take(&buffer);
    }
    EXPECT_EQ(state, BodyReader::kDone) << cuts;
    EXPECT_EQ(reader.body(), "");
    EXPECT_EQ(buffer, "");
  }
}

}  // namespace
}  // namespace gatehouse::server

#include "base/text_mark.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;

TEST(TextMark, TextWithoutAMarkStaysWhereItIs) {
  std::string scratch = "untouched";
  for (const std::string& text : {""s, "{}"s, "\xef\xbb"s, "\xff"s, "a\xff\xfe"s}) {
    EXPECT_EQ(Utf8Text(text, &scratch).data(), text.data());
    EXPECT_EQ(Utf8Text(text, &scratch), text);
  }
  const std::string marked = "\xef\xbb\xbf{}";
  EXPECT_EQ(Utf8Text(marked, &scratch).data(), marked.data() + 3);
  EXPECT_EQ(Utf8Text("\xef\xbb\xbf\xef\xbb\xbf", &scratch), "\xef\xbb\xbf");  // a second one is text
  EXPECT_EQ(scratch, "untouched");
}

// Expected values: Python's str.encode('utf-16-le') and ('utf-16-be').
TEST(TextMark, Utf16OfBothOrders) {
  const std::string little("a\0\xe9\x00\xac\x20\x3d\xd8\x00\xde", 10),
      big("\0a\0\xe9\x20\xac\xd8\x3d\xde\x00", 10);
  std::string scratch;
  EXPECT_EQ(Utf8Text("\xff\xfe" + little, &scratch), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(Utf8Text("\xfe\xff" + big, &scratch), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(Utf8Text("\xfe\xff", &scratch), "");
}

// Half a unit, or half a pair: whoever reads the text will refuse it.
TEST(TextMark, BrokenUtf16ComesBackAsItIs) {
  const std::string big = "\0a\0\xe9\x20\xac\xd8\x3d\xde\x00"s;
  std::string scratch;
  for (const std::string& half : {big.substr(0, 1), big.substr(0, 7), big.substr(0, 8), big.substr(0, 9),
                                  big.substr(8), "\xd8\x3d\0a"s, "\xdc\0\xd8\0"s}) {
    const std::string text = "\xfe\xff" + half;
    EXPECT_EQ(Utf8Text(text, &scratch), text);
  }
}

}  // namespace
}  // namespace gatehouse

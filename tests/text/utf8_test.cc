#include "text/utf8.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string Repaired(std::string_view text) {
  std::string storage;
  return std::string(RepairUtf8(text, &storage));
}

// Expected values: Python's bytes.decode('utf-8', errors='replace'), CPython 3.11.
TEST(RepairUtf8, ReplacesMaximalIllFormedPieces) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(Repaired("abc"), "abc");
  EXPECT_EQ(Repaired("\x80"), r);
  EXPECT_EQ(Repaired("\xC0\xAF"), r + r);
  EXPECT_EQ(Repaired("\xE0\x80\xAF"), r + r + r);
  EXPECT_EQ(Repaired("\xE4\xBD"), r);
  EXPECT_EQ(Repaired("\xE4\xBD"
                     "A"),
            r + "A");
  EXPECT_EQ(Repaired("\xED\xA0\x80"), r + r + r);  // a surrogate
  EXPECT_EQ(Repaired("\xF0\x9F\x98"), r);
  EXPECT_EQ(Repaired("\xF4\x90\x80\x80"), r + r + r + r);  // above U+10FFFF
  EXPECT_EQ(Repaired("\xF8\x88\x80\x80\x80"), r + r + r + r + r);
  EXPECT_EQ(Repaired("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

TEST(ValidUtf8Prefix, AgreesWithRepair) {
  EXPECT_EQ(ValidUtf8Prefix(""), std::string_view("").size());
  EXPECT_EQ(ValidUtf8Prefix("\xF0\x9F\x98\x80 ok"), std::string_view("\xF0\x9F\x98\x80 ok").size());
  EXPECT_EQ(ValidUtf8Prefix("\xFF"), 0u);
  EXPECT_EQ(ValidUtf8Prefix("a\xE4\xBD"), 1u);
}

// Every code point: written, and read again by code that knows nothing of the writer.
TEST(AppendUtf8, EveryCodePoint) {
  for (uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code == 0xD800) code = 0xE000;
    std::string text;
    AppendUtf8(code, &text);
    const Utf8Sequence sequence = ReadUtf8Sequence(text);
    ASSERT_TRUE(sequence.valid && sequence.length == text.size()) << code;
    ASSERT_EQ(ReadCodePoint(text.data()).value, code);
  }
}

}  // namespace
}  // namespace gatehouse

#include "text/unicode.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

// Expected values: Python's bytes.decode('utf-8', errors='replace'), CPython 3.11.
TEST(RepairUtf8, ReplacesMaximalIllFormedPieces) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(RepairUtf8("abc"), "abc");
  EXPECT_EQ(RepairUtf8("\x80"), r);
  EXPECT_EQ(RepairUtf8("\xC0\xAF"), r + r);
  EXPECT_EQ(RepairUtf8("\xE0\x80\xAF"), r + r + r);
  EXPECT_EQ(RepairUtf8("\xE4\xBD"), r);
  EXPECT_EQ(RepairUtf8("\xE4\xBD"
                       "A"),
            r + "A");
  EXPECT_EQ(RepairUtf8("\xED\xA0\x80"), r + r + r);  // a surrogate
  EXPECT_EQ(RepairUtf8("\xF0\x9F\x98"), r);
  EXPECT_EQ(RepairUtf8("\xF4\x90\x80\x80"), r + r + r + r);  // above U+10FFFF
  EXPECT_EQ(RepairUtf8("\xF8\x88\x80\x80\x80"), r + r + r + r + r);
  EXPECT_EQ(RepairUtf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

TEST(IsValidUtf8, AgreesWithRepair) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8("\xF0\x9F\x98\x80 ok"));
  EXPECT_FALSE(IsValidUtf8("\xFF"));
  EXPECT_FALSE(IsValidUtf8("a\xE4\xBD"));
}

}  // namespace
}  // namespace gatehouse

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

}  // namespace
}  // namespace gatehouse

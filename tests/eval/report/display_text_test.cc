#include "eval/report/display_text.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

using namespace std::string_literals;

TEST(HtmlText, EscapesMarkup) {
  EXPECT_EQ(HtmlText("<a href=\"x\" b='y'>&</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
}

TEST(HtmlText, WritesOutWhatShowsNothing) {
  EXPECT_EQ(HtmlText("a\0b\x1b\x7f"s), "a\\x00b\\x1b\\x7f");
  EXPECT_EQ(HtmlText("\u202e\u2066\u2028\u200b\ufeff"), "\\u202e\\u2066\\u2028\\u200b\\ufeff");
  EXPECT_EQ(HtmlText("\U000e0041\uffff"), "\\u{e0041}\\uffff");
  EXPECT_EQ(HtmlText("\xc2\x85"), "\\x85");
}

TEST(HtmlText, KeepsTextOfAllScripts) {
  EXPECT_EQ(HtmlText("Größe 大 مرحبا\n\tนี้"), "Größe 大 مرحبا\n\tนี้");
  EXPECT_EQ(HtmlText("می\u200cخواهم"), "می\u200cخواهم");  // a joiner that Persian needs
  EXPECT_EQ(HtmlText("👩\u200d🚀"), "👩\u200d🚀");
}

TEST(HtmlText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(HtmlText("a\xff<"), "a\ufffd&lt;");
  EXPECT_EQ(HtmlText("\xe2\x82"), "\ufffd");
}

TEST(TerminalText, LeavesNoControlCharacter) {
  EXPECT_EQ(TerminalText("\x1b[31mred\r\n\t\x07"), "\\x1b[31mred\\x0d\\n\\t\\x07");
  EXPECT_EQ(TerminalText("\xc2\x9b"
                         "2J"),
            "\\x9b2J");  // the one-character form of ESC [
  EXPECT_EQ(TerminalText("\xff"), "\ufffd");
  EXPECT_EQ(TerminalText("<b>"), "<b>");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("ä–…"), 3);
  EXPECT_EQ(DisplayWidth("大き"), 4);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("🚀"), 2);
}

TEST(ClippedToWidth, CutsBetweenCharacters) {
  EXPECT_EQ(ClippedToWidth("abcdef", 6), "abcdef");
  EXPECT_EQ(ClippedToWidth("abcdefg", 6), "abcde…");
  EXPECT_EQ(ClippedToWidth("大大大", 4), "大…");
  EXPECT_EQ(ClippedToWidth("大大大", 5), "大大…");
  EXPECT_EQ(ClippedToWidth("abc", 0), "");
  EXPECT_EQ(ClippedToWidth("abc", 1), "…");
}

}  // namespace
}  // namespace gatehouse

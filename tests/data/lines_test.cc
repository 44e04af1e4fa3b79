// Lines and UTF-8: what every format stands on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "data/byte_source.h"
#include "data/clean_text.h"
#include "data/line_reader.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

// Gives its bytes a few at a time, as a pipe may.
class DripSource : public ByteSource {
 public:
  DripSource(std::string bytes, size_t step) : bytes_(std::move(bytes)), step_(step) {}
  Result<size_t> Read(char* out, size_t size) override {
    const size_t count = std::min({size, step_, bytes_.size() - at_});
    std::memcpy(out, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t step_, at_ = 0;
};

// Each line as "number:text/ending", too long ones as "number:!".
std::vector<std::string> Lines(const std::string& bytes, size_t step, size_t max_bytes) {
  LineReader reader(std::make_unique<DripSource>(bytes, step), max_bytes);
  std::vector<std::string> out;
  for (;;) {
    Line line;
    const auto status = reader.Next(&line);
    EXPECT_TRUE(status.ok());
    if (*status == LineReader::Status::kEnd) return out;
    const std::string ending = line.ending == "\r\n" ? "CRLF" : line.ending == "\n" ? "LF" : "END";
    out.push_back(std::to_string(line.number) + ":" +
                  (*status == LineReader::Status::kTooLong ? "!" : line.text + "/" + ending));
  }
}

using Strings = std::vector<std::string>;

TEST(Lines, EndingsAndMarkHoweverTheBytesArrive) {
  for (const size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{1000}}) {
    EXPECT_EQ(Lines("a\nb\r\n\nc", step, 100), (Strings{"1:a/LF", "2:b/CRLF", "3:/LF", "4:c/END"})) << step;
    EXPECT_EQ(Lines("\xEF\xBB\xBF"
                    "a\n",
                    step, 100),
              (Strings{"1:a/LF"}))
        << step;
    EXPECT_EQ(Lines("\xEF\xBB\xBF", step, 100), (Strings{})) << step;
    EXPECT_EQ(Lines("\xEF\xBB", step, 100), (Strings{"1:\xEF\xBB/END"})) << step;
    // Only the first mark is one, and a carriage return alone ends nothing.
    EXPECT_EQ(Lines("a\n\xEF\xBB\xBF"
                    "b\rc\n",
                    step, 100),
              (Strings{"1:a/LF",
                       "2:\xEF\xBB\xBF"
                       "b\rc/LF"}))
        << step;
    EXPECT_EQ(Lines("", step, 100), (Strings{})) << step;
  }
}

TEST(Lines, LongLinesAreSkippedAtTheLimit) {
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1000}}) {
    EXPECT_EQ(Lines("12345\n123456\n12345\r\n1234567890123\r\nz\n123456", step, 5),
              (Strings{"1:12345/LF", "2:!", "3:12345/CRLF", "4:!", "5:z/LF", "6:!"}))
        << step;
  }
}

TEST(Utf8, FindsTheFirstByteThatIsNone) {
  // Table 3-7 of the Unicode standard: the borders of the well-formed sequences, and what lies just outside.
  for (const char* good :
       {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xEC\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF3\xBF\xBF\xBF", "\xF4\x8F\xBF\xBF", "ไทย हिन्दी é"})
    EXPECT_EQ(ValidUtf8Prefix(good), std::string_view(good).size()) << good;
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE1\x80",
        "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF1\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(ValidUtf8Prefix(bad), 0u) << static_cast<int>(static_cast<unsigned char>(bad[0]));
    EXPECT_EQ(ValidUtf8Prefix("ab" + std::string(bad)), 2u);
  }
}

TEST(Utf8, TextForMessagesIsCleanAndShort) {
  EXPECT_EQ(CleanText("abc", 3), "abc");
  EXPECT_EQ(CleanText("abcd", 3), "abc...");
  EXPECT_EQ(CleanText("a\xC3\xA9z", 2), "a...");
  EXPECT_EQ(CleanText("a\x1b[31m\n\xC3", 100), "a?[31m??");
}

}  // namespace
}  // namespace gatehouse

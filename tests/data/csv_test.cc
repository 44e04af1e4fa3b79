// RFC 4180: what is a record, and what a malformed one costs.
#include "data/csv_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "data/byte_source.h"

namespace gatehouse {
namespace {

// Each record as "line:field|field", malformed ones as "line!problem".
std::vector<std::string> Records(const std::string& bytes, char separator = ',', size_t max_bytes = 1000,
                                 size_t fields = 0) {
  CsvReader reader(LineReader(MakeMemorySource(bytes), max_bytes), separator, max_bytes);
  reader.Expect(fields);
  std::vector<std::string> out;
  for (;;) {
    CsvRecord record;
    const auto any = reader.Next(&record);
    EXPECT_TRUE(any.ok());
    if (!*any) return out;
    std::string shown = std::to_string(record.line) + (record.problem.empty() ? ":" : "!" + record.problem);
    if (record.problem.empty())
      for (size_t i = 0; i < record.fields.size(); ++i) shown += (i > 0 ? "|" : "") + record.fields[i];
    out.push_back(shown);
  }
}

using Strings = std::vector<std::string>;

TEST(Csv, GoodRecords) {
  const struct {
    const char* bytes;
    Strings records;
  } cases[] = {
      {"a,b\n1,2\n", {"1:a|b", "2:1|2"}},
      {"a,b\r\n1,2\r\n", {"1:a|b", "2:1|2"}},
      {"a,b", {"1:a|b"}},
      {",\n", {"1:|"}},
      {"\"a,b\",c\n", {"1:a,b|c"}},
      {"\"say \"\"hi\"\"\",\"\"\n", {"1:say \"hi\"|"}},
      {"\"\"\"\"\n", {"1:\""}},
      {"\"two\nlines\",x\nnext,y\n", {"1:two\nlines|x", "3:next|y"}},
      {"\"two\r\nlines\",x\r\nnext,y\r\n", {"1:two\r\nlines|x", "3:next|y"}},
      {"\"a\n\n\nb\"\nc\n", {"1:a\n\n\nb", "5:c"}},
      {"a\n\n\r\nb\n", {"1:a", "4:b"}},
      {" a , b \n", {"1: a | b "}},
      {"it's,a 'quote'\n", {"1:it's|a 'quote'"}},
      {"a\tb\n", {"1:a\tb"}},
      {"\"x\"", {"1:x"}},
  };
  for (const auto& c : cases) EXPECT_EQ(Records(c.bytes), c.records) << c.bytes;
  EXPECT_EQ(Records("a,b\t\"c\td\"\n", '\t'), (Strings{"1:a,b|c\td"}));
}

TEST(Csv, MalformedRecordsCostThemselves) {
  const struct {
    const char* bytes;
    Strings records;
  } cases[] = {
      {"a\"b,c\nd,e\n", {"1!a quote inside a field that does not begin with one", "2:d|e"}},
      {"\"a\"b,c\nd,e\n", {"1!text behind the quote that closes a field", "2:d|e"}},
      {"a,b\n\"c,d\ne,f\n", {"1:a|b", "2!a quoted field that is not closed", "3:e|f"}},
      {"a,b\n\"c,d\r\ne,f\r\n\n\"g\",\"h\ni\"",
       {"1:a|b", "2!text behind the quote that closes a field", "3:e|f", "5:g|h\ni"}},
      {"a\xFF,b\nc,d\n", {"1!invalid UTF-8 at byte 2 of the record", "2:c|d"}},
      // The bad byte is in the second line of its record, which is taken as a whole.
      {"\"ab\nc\xFF\",x\nd,e\n", {"1!invalid UTF-8 at byte 6 of the record", "3:d|e"}},
  };
  for (const auto& c : cases) EXPECT_EQ(Records(c.bytes), c.records) << c.bytes;
}

// Between tabs a quote is often no more than a character.
TEST(Csv, QuotesBetweenTabs) {
  const struct {
    const char* bytes;
    Strings records;
  } cases[] = {
      {"a\tb\n1\t\"x\ty\"\n", {"1:a|b", "2:1|x\ty"}},
      {"a\tb\n1\t5\" nails\n2\tz\n", {"1:a|b", "2:1|5\" nails", "3:2|z"}},
      {"a\tb\n1\t\"Stop\" he said\n2\tz\n", {"1:a|b", "2:1|\"Stop\" he said", "3:2|z"}},
      {"a\tb\n1\t\"lone\n2\tz\n", {"1:a|b", "2:1|\"lone", "3:2|z"}},
      // Two lone quotes are none of one field: both lines are rows.
      {"a\tb\n1\t\"lone\n2\tz\"\n3\ty\n", {"1:a|b", "2:1|\"lone", "3:2|z\"", "4:3|y"}},
      {"a\tb\n\"lone\t1\n2\tz\n3\t\"\n", {"1:a|b", "2:\"lone|1", "3:2|z", "4:3|\""}},
      // A field of two lines, as pandas writes it: no line of it is a row.
      {"a\tb\n1\t\"two\nlines\"\n2\tz\n", {"1:a|b", "2:1|two\nlines", "4:2|z"}},
      {"a\tb\n1\t\"say \"\"hi\"\"\"\r\n2\t\"\"\r\n", {"1:a|b", "2:1|say \"hi\"", "3:2|"}},
  };
  for (const auto& c : cases) EXPECT_EQ(Records(c.bytes, '\t', 1000, 2), c.records) << c.bytes;
}

TEST(Csv, AFileOfLoneQuotesIsReadInTime) {
  std::string bytes;
  Strings expected;
  for (int i = 1; i <= 20000; ++i) {
    bytes += "\"x\ty\n";
    expected.push_back(std::to_string(i) + ":\"x|y");
  }
  EXPECT_EQ(Records(bytes, '\t', 1 << 20, 2), expected);
}

TEST(Csv, LongRecordsCostThemselves) {
  const std::string problem = "!record longer than 0 MiB";  // the limit of this test is 20 bytes
  EXPECT_EQ(Records("a,b\n" + std::string(21, 'x') + "\nc,d\n", ',', 20),
            (Strings{"1:a|b", "2" + problem, "3:c|d"}));
  // A quote that is never closed does not swallow the rest of the file.
  EXPECT_EQ(Records("\"a\n12345678\n12345678\nc\nd\n", ',', 20),
            (Strings{"1" + problem, "2:12345678", "3:12345678", "4:c", "5:d"}));
  EXPECT_EQ(Records("\"a\nb\n" + std::string(21, 'x') + "\nc\n", ',', 20),
            (Strings{"1" + problem, "2:b", "3" + problem, "4:c"}));
  const std::vector<std::string> many = Records(std::string(2000, ',') + "\na\n", ',', 5000);
  EXPECT_EQ(many, (Strings{"1!more than 1024 fields", "2:a"}));
}

}  // namespace
}  // namespace gatehouse

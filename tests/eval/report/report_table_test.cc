#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "eval/report/display_text.h"
#include "eval/report/text_table.h"
#include "report_examples.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

int Widest(const std::string& text) {
  int width = 0;
  for (const std::string& line : Lines(text)) width = std::max(width, DisplayWidth(line));
  return width;
}

TextTable Example() {
  TextTable table({{"Name"}, {"Rows", 2}, {"Recall", 0}, {"", 3, true}});
  table.Add({"大型", "1234", "85.2%", "84.1–86.3%"});
  table.Add({"b", "7", "–", "–"});
  return table;
}

TEST(TextTable, AlignsByColumnsOfTheTerminal) {
  EXPECT_EQ(Example().Render(80, false),
            "Name  Rows  Recall\n"
            "大型  1234   85.2%  84.1–86.3%\n"
            "b        7       –           –\n");
}

TEST(TextTable, FoldsTheLeastImportantColumnsAway) {
  EXPECT_EQ(Example().Render(29, false),
            "Name  Rows  Recall\n"
            "大型  1234   85.2%\n"
            "b        7       –\n");
  TextTable table({{"Name"}, {"Rows", 2}, {"Recall", 0}});
  table.Add({"a name that is far too long for this", "1234567", "85.2%"});
  EXPECT_EQ(table.Render(24, false),
            "Name              Recall\n"
            "a name that is …   85.2%\n");
}

TEST(TextTable, ColourChangesNoWidth) {
  std::string coloured = Example().Render(80, true);
  EXPECT_THAT(coloured, HasSubstr("\x1b[2m"));
  for (const char* code : {"\x1b[0m", "\x1b[1m", "\x1b[2m"})
    for (size_t at; (at = coloured.find(code)) != std::string::npos;) coloured.erase(at, 4);
  const std::vector<std::string> a = Lines(coloured), b = Lines(Example().Render(80, false));
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a[1], b[1]);
}

TEST(ReportTable, FitsEveryWidth) {
  const Report report = ExampleReport({}, 400);
  const Comparison comparison = ExampleComparison(3, 400);
  for (const int width : {24, 30, 40, 60, 80, 100, 132, 200}) {
    EXPECT_LE(Widest(ReportTable(report, width, false)), width) << width;
    EXPECT_LE(Widest(ReportTable(HostileReport(), width, false)), width) << width;
    EXPECT_LE(Widest(ComparisonTable(comparison, width, false)), width) << width;
    EXPECT_LE(Widest(ComparisonTable(HostileComparison(), width, false)), width) << width;
  }
  EXPECT_LE(Widest(ReportTable(report, 0, false)), kNarrowestTerminal);
  EXPECT_LE(Widest(ReportTable(report, -5, false)), kNarrowestTerminal);
}

TEST(ReportTable, ShowsIntervalsWhereThereIsRoom) {
  Report report;
  report.n = 10;
  report.overall = {"all", FiguresOfCounts(3, 1, 4, 2), {}};
  report.overall.intervals.recall = Interval{0.25, 0.75};
  report.dimensions = {{"source", {{"xstest", FiguresOfCounts(1, 0, 4, 1), {}}}}};
  report.dimensions[0].groups[0].intervals.recall = Interval{0.125, 0.875};
  const std::string wide = ReportTable(report, 160, false);
  EXPECT_THAT(wide, HasSubstr("60.0%"));
  EXPECT_THAT(wide, HasSubstr("25.0–75.0%"));
  EXPECT_THAT(wide, HasSubstr("12.5–87.5%"));
  const std::string narrow = ReportTable(report, 40, false);
  EXPECT_THAT(narrow, HasSubstr("25.0–75.0%"));       // of all rows
  EXPECT_THAT(narrow, Not(HasSubstr("12.5–87.5%")));  // of a group
  EXPECT_THAT(narrow, HasSubstr("50.0%"));
}

TEST(ReportTable, UndefinedIsADash) {
  const std::string table = ReportTable(Report(), 80, false);
  EXPECT_THAT(table, HasSubstr("Recall         –"));
  EXPECT_THAT(table, Not(HasSubstr("nan")));
  EXPECT_FALSE(ComparisonTable(Comparison(), 80, false).find("nan") != std::string::npos);
}

TEST(ReportTable, CategoriesInOrder) {
  const std::string table = ReportTable(ExampleReport({}, 2000), 100, false);
  EXPECT_LT(table.find("S1 Violent"), table.find("S2 Non"));
  EXPECT_LT(table.find("S9 Indis"), table.find("S10 Hate"));
  EXPECT_NE(table.find("S10 Hate"), std::string::npos);
}

TEST(ReportTable, NamesCommandNoTerminal) {
  for (const std::string& table :
       {ReportTable(HostileReport(), 120, false), ComparisonTable(HostileComparison(), 120, false)})
    for (const char c : table) {
      const auto byte = static_cast<unsigned char>(c);
      EXPECT_TRUE(byte == '\n' || (byte >= 0x20 && byte != 0x7f)) << int{byte};
    }
}

TEST(ComparisonTable, SaysWhatTheDifferencesMean) {
  Comparison comparison;
  comparison.reports.resize(2);
  comparison.reports[0].model = "first";
  comparison.reports[0].n = 200;
  comparison.reports[1].model = "second";
  comparison.against.resize(1);
  comparison.against[0].differences.recall = {0.02, {0.01, 0.03}};
  comparison.against[0].differences.fpr = {0.02, {0.01, 0.03}};
  comparison.against[0].differences.f1 = {0.002, {-0.01, 0.03}};
  comparison.against[0].verdicts_differ = 12;
  const std::string table = ComparisonTable(comparison, 100, false);
  EXPECT_THAT(table, HasSubstr("A  first"));
  EXPECT_THAT(table, HasSubstr("B  second"));
  EXPECT_THAT(table, testing::ContainsRegex("Recall +\\+2\\.0 +\\+1\\.0 to \\+3\\.0 +better"));
  EXPECT_THAT(table, testing::ContainsRegex("FPR +\\+2\\.0 +\\+1\\.0 to \\+3\\.0 +worse"));
  EXPECT_THAT(table, HasSubstr("no clear difference"));
  EXPECT_THAT(table, HasSubstr("12 (6.0%)"));
}

}  // namespace
}  // namespace gatehouse

// Pages as text. What a browser makes of them is seen by page_in_chromium.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "html_scan.h"
#include "report_examples.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Times(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

void ExpectSelfContained(const std::string& page) {
  const HtmlScan scan = ScanHtml(page);
  EXPECT_EQ(scan.problem, "");
  EXPECT_EQ(scan.Count("script"), 1);
  EXPECT_EQ(scan.Count("style"), 1);
  for (const char* name :
       {"img", "iframe", "object", "embed", "link", "base", "form", "use", "image", "video"})
    EXPECT_EQ(scan.Count(name), 0) << name;
  for (const HtmlTag& tag : scan.tags)
    for (const auto& [name, value] : tag.attributes) {
      EXPECT_NE(name.substr(0, 2), "on") << tag.name;
      EXPECT_NE(name, "src") << tag.name;
      EXPECT_NE(name, "srcset") << tag.name;
      EXPECT_TRUE(name != "href" || value.substr(0, 1) == "#") << value;
      EXPECT_NE(value.substr(0, 3), "nan") << tag.name << " " << name;
      EXPECT_NE(value.substr(0, 3), "inf") << tag.name << " " << name;
    }
  EXPECT_THAT(scan.style, Not(HasSubstr("url(")));
  EXPECT_THAT(scan.style, Not(HasSubstr("@import")));
  EXPECT_THAT(page, HasSubstr("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"));
}

TEST(HtmlScan, NoticesTextThatLeavesItsPlace) {
  EXPECT_EQ(ScanHtml("<p class=\"a\">x <b>y</b></p>").problem, "");
  for (const char* bad : {"<p>x<b></p>", "<p title=\"<b>\"></p>", "<p title=x></p>", "<p>a < b</p>",
                          "<p>a > b</p>", "<p></p></script>", "<p title=\"a\"onclick=\"b\"></p>", "<p>"})
    EXPECT_NE(ScanHtml(bad).problem, "") << bad;
}

TEST(ReportPage, IsOneFileOfBalancedTags) {
  const std::string page = ReportPage(ExampleReport({}, 500));
  ExpectSelfContained(page);
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("//example")));
}

// The digest is that of: openssl dgst -sha256 -binary src/eval/report/page.js | base64, and must follow the
// script.
TEST(ReportPage, AllowsItsScriptByTheDigest) {
  const std::string page = ReportPage(Report());
  EXPECT_THAT(page, HasSubstr("script-src 'sha256-g8CTTiNGTsOauvDQnl/Uisb94zVQp8rYFdwCwU8Tz00=';"));
}

TEST(ReportPage, HasEverySection) {
  const std::string page = ReportPage(ExampleReport({}, 2000));
  for (const char* id : {"figures", "curves", "scores", "categories", "against-rest", "confusion", "groups",
                         "latency", "mistakes", "words"}) {
    EXPECT_EQ(Times(page, std::string("<section id=\"") + id + "\""), 1u) << id;
    EXPECT_EQ(Times(page, std::string("<a href=\"#") + id + "\""), 1u) << id;
  }
  EXPECT_EQ(Times(page, "role=\"img\" aria-label=\""), 4u);  // two curves, histogram, reliability
  EXPECT_EQ(Times(page, "<title>"), Times(page, "</title>"));
  EXPECT_THAT(page, HasSubstr("Content warning"));
  EXPECT_THAT(page, Not(HasSubstr("<details class=\"text\" open")));
}

TEST(ReportPage, ShowsFigures) {
  Report report;
  report.model = "guard";
  report.n = 10;
  report.overall = {"all", FiguresOfCounts(3, 1, 4, 2), {}};
  report.overall.intervals.recall = Interval{0.25, 0.75};
  const std::string page = ReportPage(report);
  EXPECT_THAT(page, HasSubstr("<dt>Recall</dt><dd><span class=\"big\">60.0%</span>"));
  EXPECT_THAT(page, HasSubstr("25.0–75.0%"));
  EXPECT_THAT(page, HasSubstr("<dt>AUROC</dt><dd><span class=\"big\">–</span>"));
  EXPECT_THAT(page, HasSubstr("missed · 20.0%"));
  EXPECT_THAT(page, HasSubstr("<title>guard – Gatehouse evaluation</title>"));
}

TEST(ReportPage, CurvesAreDrawnToScale) {
  Report report;
  report.n = 2;
  report.overall = {"all", FiguresOfCounts(1, 0, 1, 0), {}};
  report.curve = {{2, 0, 0, 1}, {0.9, 1, 0, 1}, {0.1, 1, 1, 0.5}};
  const std::string page = ReportPage(report);
  // ROC in a frame from (54, 292) to (398, 34): straight up, then to the right.
  EXPECT_THAT(page, HasSubstr("points=\"54,292 54,34 398,34\""));
  // Precision against recall: along the top, then down to a half.
  EXPECT_THAT(page, HasSubstr("points=\"54,34 398,34 398,163\""));
}

TEST(ReportPage, RendersWithNothing) {
  const std::string page = ReportPage(Report());
  ExpectSelfContained(page);
  EXPECT_THAT(page, HasSubstr("No rows were judged"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr(">inf")));
  ExpectSelfContained(ComparisonPage(Comparison()));
  Comparison one;
  one.reports.resize(1);
  ExpectSelfContained(ComparisonPage(one));
}

TEST(ReportPage, RendersAThousandGroups) {
  const std::string page = ReportPage(ManyGroups(1000));
  ExpectSelfContained(page);
  EXPECT_THAT(page, HasSubstr("user-0<"));
  EXPECT_THAT(page, HasSubstr("user-999<"));
  EXPECT_THAT(page, HasSubstr("<summary>970 more</summary>"));
  EXPECT_LT(page.size(), size_t{4} << 20);
}

TEST(ReportPage, HostileTextStaysText) {
  for (const std::string& page : {ReportPage(HostileReport()), ComparisonPage(HostileComparison())}) {
    ExpectSelfContained(page);
    EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;window.__pwned=1"));
    EXPECT_EQ(Times(page, "<script"), 1u);
    EXPECT_EQ(Times(page, "</script"), 1u);
    EXPECT_THAT(page, Not(HasSubstr("<img")));
    EXPECT_THAT(page, Not(HasSubstr("<!--")));
    for (const char* gone : {"\u202e", "\u2066", "\u2028", "\u2029", "\ufeff", "\x1b", "\x07", "\x7f"})
      EXPECT_THAT(page, Not(HasSubstr(gone)));
    EXPECT_EQ(page.find('\0'), std::string::npos);
    EXPECT_THAT(page, HasSubstr("\\u202e"));
  }
}

TEST(ReportPage, NumbersThatAreNoneAreNotDrawn) {
  Report report = ExampleReport({}, 200);
  report.at_fpr = OperatingPoint{std::numeric_limits<double>::infinity(), 0, 0.0, {}, {}};
  report.threshold = std::numeric_limits<double>::quiet_NaN();
  report.confusion.counts.resize(3);  // fewer than rows and columns say
  const std::string page = ReportPage(report);
  ExpectSelfContained(page);
  EXPECT_THAT(page, HasSubstr("threshold ∞"));
}

TEST(ComparisonPage, ShowsModelsTogether) {
  const Comparison comparison = ExampleComparison(3, 600);
  const std::string page = ComparisonPage(comparison);
  ExpectSelfContained(page);
  for (const char* id : {"figures", "differences", "curves", "scores", "categories", "confusion", "groups",
                         "latency", "changed"})
    EXPECT_EQ(Times(page, std::string("<section id=\"") + id + "\""), 1u) << id;
  for (const char* curve : {"curve s0\" points", "curve s1\" points", "curve s2\" points"})
    EXPECT_EQ(Times(page, curve), 2u) << curve;
  for (const Report& report : comparison.reports) EXPECT_THAT(page, HasSubstr(report.model));
  EXPECT_THAT(page, HasSubstr("3 models, the same rows"));
  EXPECT_EQ(Times(page, "class=\"plain differences\""), 2u);
}

TEST(ComparisonPage, ChangedRowsHaveBothScores) {
  Comparison comparison;
  comparison.reports.resize(2);
  comparison.reports[0].n = comparison.reports[1].n = 1;
  comparison.against.resize(1);
  Mistake row;
  row.id = "set:5";
  row.unsafe = true;
  row.score = 0.25;
  row.text = "some text";
  comparison.against[0].changed = {row};
  comparison.against[0].changed_other_score = {0.75};
  comparison.against[0].verdicts_differ = 1;
  const std::string page = ComparisonPage(comparison);
  EXPECT_THAT(page, HasSubstr("A</span> 0.2500</span>"));
  EXPECT_THAT(page, HasSubstr("B</span> 0.7500</span>"));
  EXPECT_THAT(page, HasSubstr("set:5"));
  EXPECT_THAT(page, HasSubstr("some text"));
}

}  // namespace
}  // namespace gatehouse

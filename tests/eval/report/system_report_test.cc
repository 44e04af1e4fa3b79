// The report of a whole system, shown three ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "html_scan.h"
#include "report_examples.h"

namespace gatehouse {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(SystemReport, AsJson) {
  const json report = json::parse(SystemReportJson(ExampleSystem("m")));
  EXPECT_EQ(report["n"], 1234);
  EXPECT_TRUE(report["judge"].is_null());
  const json& violations = report["overall"]["violations"];
  EXPECT_EQ(violations["rows"], 1234);
  EXPECT_DOUBLE_EQ(violations["none"]["rate"], 0.4);
  EXPECT_FALSE(violations["none"].contains("change"));
  EXPECT_DOUBLE_EQ(violations["input"]["ci"][1], 0.31);
  EXPECT_NEAR(violations["both"]["change"][0], -0.3, 1e-12);
  EXPECT_DOUBLE_EQ(violations["input_less_output"][2], 0.25);
  EXPECT_EQ(report["groups"]["category"]["S1"]["harmless_refusals"]["rows"], 100);
  EXPECT_TRUE(report["curves"]["output"][0]["threshold"].is_null());
  EXPECT_DOUBLE_EQ(report["curves"]["output"][1]["harmless_refusals"], 0.7);
  EXPECT_DOUBLE_EQ(report["added_ms"]["both"]["p95"], 20);
  EXPECT_DOUBLE_EQ(report["answers_saved"], 0.25);
}

TEST(SystemReport, AsATable) {
  const std::string table = SystemReportTable(ExampleSystem("guard"), 160, false);
  EXPECT_THAT(table, HasSubstr("1\u202f234 answers to 77 prompts"));
  EXPECT_THAT(table, HasSubstr("40.0%"));
  EXPECT_THAT(table, HasSubstr("both − none"));
  EXPECT_THAT(table, HasSubstr("−30.0  −31.0 to −29.0   "));
  EXPECT_THAT(table, HasSubstr("+10.0   −5.0 to +25.0  no clear difference"));
  EXPECT_THAT(table, HasSubstr("S1 guard"));
  for (const int width : {30, 60, 80}) {
    const std::string narrow = SystemReportTable(ExampleSystem("guard"), width, false);
    EXPECT_THAT(narrow, HasSubstr("Violations"));
  }
}

TEST(SystemReport, SaysWhoLabels) {
  SystemReport report = ExampleSystem("guard");
  EXPECT_THAT(SystemReportTable(report, 200, false), HasSubstr("where the data labels it unsafe"));
  report.unlabelled = report.n;
  EXPECT_THAT(SystemReportTable(report, 200, false), HasSubstr("violations are not measured"));
  report.judge = "another guard";
  EXPECT_THAT(SystemReportTable(report, 200, false), HasSubstr("where another guard says so"));
  EXPECT_THAT(SystemReportTable(report, 200, false), Not(HasSubstr("by construction")));
  report.judge_is_guard = true;
  EXPECT_THAT(SystemReportPage(report), HasSubstr("by construction"));
}

void ExpectWholePage(const SystemReport& report) {
  const std::string page = SystemReportPage(report);
  const HtmlScan scan = ScanHtml(page);
  EXPECT_EQ(scan.problem, "");
  EXPECT_EQ(scan.Count("script"), 1);
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  for (const HtmlTag& tag : scan.tags)
    for (const auto& [name, value] : tag.attributes) {
      EXPECT_NE(name.substr(0, 2), "on") << tag.name;
      EXPECT_NE(value.substr(0, 3), "nan") << tag.name << " " << name;
      EXPECT_NE(value.substr(0, 3), "inf") << tag.name << " " << name;
    }
}

TEST(SystemReport, AsAPageWhateverTheDataSays) {
  ExpectWholePage(ExampleSystem("guard"));
  ExpectWholePage(SystemReport());
  for (size_t i = 0; i < kHostileTextCount; ++i) {
    SystemReport report = ExampleSystem(kHostileTexts[i]);
    const std::string page = SystemReportPage(report);
    EXPECT_EQ(ScanHtml(page).problem, "") << kHostileTexts[i];
    EXPECT_EQ(ScanHtml(page).Count("script"), 1) << kHostileTexts[i];
    EXPECT_THAT(SystemReportTable(report, 80, false), Not(HasSubstr("\x1b"))) << kHostileTexts[i];
  }
}

}  // namespace
}  // namespace gatehouse

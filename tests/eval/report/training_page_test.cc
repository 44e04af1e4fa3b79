// The page of a run of training as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "eval/report/training_report.h"
#include "html_scan.h"
#include "report_examples.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> Attribute(const HtmlScan& scan, const char* tag, const char* css_class,
                                   const char* attribute) {
  std::vector<std::string> out;
  for (const HtmlTag& one : scan.tags) {
    const auto found = one.attributes.find("class");
    if (one.name == tag && found != one.attributes.end() && found->second == css_class)
      out.push_back(one.attributes.at(attribute));
  }
  return out;
}

TEST(TrainingPage, AxesEndAtRoundNumbers) {
  for (const auto& [largest, top] : std::vector<std::pair<double, double>>{{0, 1},
                                                                           {1, 1},
                                                                           {1.01, 1.2},
                                                                           {0.07, 0.08},
                                                                           {2.3, 2.4},
                                                                           {8.5, 10},
                                                                           {2e-4, 2e-4},
                                                                           {999, 1000},
                                                                           {-3, 1}})
    EXPECT_NEAR(AxisTop(largest), top, 1e-12 * top) << largest;
  EXPECT_EQ(AxisTop(std::numeric_limits<double>::quiet_NaN()), 1);
  EXPECT_EQ(AxisTop(std::numeric_limits<double>::infinity()), 1);
}

// Four steps of loss 2, 1, none, 1 on axes to 4 steps and 2: the plot is 344 wide from 54, 258 high from 292
// up.
TEST(TrainingPage, DrawsEachStepAtItsPlace) {
  TrainingReport report{"a run", 4, {}};
  for (const int step : {0, 1, 2, 3}) {
    TrainingStep one;
    one.step = step;
    one.loss = step == 0 ? 2 : 1;
    one.norm = 0.5;
    one.rate = 2e-4;
    one.seconds = 2;
    one.conversations = 10;
    one.tokens = 1000;
    one.skipped = step == 2;
    if (one.skipped) one.loss.reset();
    report.taken.push_back(one);
  }
  const std::string page = TrainingPage(report);
  const HtmlScan scan = ScanHtml(page);
  EXPECT_EQ(scan.problem, "");
  const auto lines = Attribute(scan, "polyline", "curve thin s0", "points");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "140,34 226,163 398,163");       // loss, without the skipped step
  EXPECT_EQ(lines[1], "140,77 226,77 398,77");         // 0.5 on an axis to 0.6
  EXPECT_EQ(lines[2], "140,34 226,34 312,34 398,34");  // the rate is that of every step
  EXPECT_EQ(lines[3], "140,77 226,77 312,77 398,77");  // 500 of 600 tokens a second
  EXPECT_EQ(Attribute(scan, "circle", "dot small s1", "cx"), std::vector<std::string>{"312"});
  for (const char* text :
       {"4 of 4", "<dd>40</dd>", "<dd>4\u202f000</dd>", "<dd>8 s</dd>", "1 steps, not finite",
        "2.0000, 1.0000", "step 3 was skipped", "Learning rate, \u00d7 1e-4", ">1.5<"})
    EXPECT_THAT(page, HasSubstr(text));
}

TEST(TrainingPage, SmoothsAndThinsLongRuns) {
  const std::string page = TrainingPage(ExampleTraining("run", 10000));
  const HtmlScan scan = ScanHtml(page);
  EXPECT_EQ(scan.problem, "");
  EXPECT_LT(page.size(), 120000u);
  EXPECT_THAT(page, HasSubstr("10\u202f000 of 10\u202f000"));
  const auto points = [](const std::string& text) { return std::count(text.begin(), text.end(), ','); };
  for (const std::string& line : Attribute(scan, "polyline", "curve thin s0", "points"))
    EXPECT_LE(points(line), 400);
  EXPECT_EQ(Attribute(scan, "polyline", "curve s1", "points").size(), 3u);
  EXPECT_GT(points(Attribute(scan, "polyline", "curve s1", "points")[0]), 100);
}

TEST(TrainingPage, OfNothingAndOfHostileNames) {
  EXPECT_THAT(TrainingPage({}), HasSubstr("No step has been taken yet"));
  EXPECT_EQ(ScanHtml(TrainingPage({})).problem, "");
  TrainingReport report = ExampleTraining("</title><script>alert(1)</script>\u202e", 3);
  report.taken[1].loss = std::numeric_limits<double>::infinity();
  report.taken[2].norm = std::nan("");
  report.taken[2].seconds = 0;
  const std::string page = TrainingPage(report);
  const HtmlScan scan = ScanHtml(page);
  EXPECT_EQ(scan.problem, "");
  EXPECT_EQ(scan.Count("script"), 1);
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
}

}  // namespace
}  // namespace gatehouse

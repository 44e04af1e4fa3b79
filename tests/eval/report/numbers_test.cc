#include "eval/report/numbers.h"

#include <gtest/gtest.h>

#include <limits>

#include "eval/report/group_order.h"
#include "eval/report/series.h"

namespace gatehouse {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Numbers, Percents) {
  EXPECT_EQ(Percent(0.8523), "85.2%");
  EXPECT_EQ(Percent(1.0), "100.0%");
  EXPECT_EQ(Percent(0.0), "0.0%");
  EXPECT_EQ(Percent(-0.0001), "0.0%");
  EXPECT_EQ(Percent(std::nullopt), "–");
  EXPECT_EQ(Percent(kNan), "–");
  EXPECT_EQ(PercentRange(Interval{0.841, 0.8634}), "84.1–86.3%");
  EXPECT_EQ(PercentRange(std::nullopt), "–");
}

TEST(Numbers, Differences) {
  EXPECT_EQ(SignedPoints(0.018), "+1.8");
  EXPECT_EQ(SignedPoints(-0.004), "−0.4");
  EXPECT_EQ(SignedPoints(-0.0001), "0.0");
  EXPECT_EQ(SignedPointRange({-0.01, 0.02}), "−1.0 to +2.0");
}

TEST(Numbers, Counts) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1000), "1\u202f000");
  EXPECT_EQ(Count(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(Count(-1234), "-1\u202f234");
}

TEST(Numbers, ScoresAndTimes) {
  EXPECT_EQ(Score(0.97312), "0.9731");
  EXPECT_EQ(Score(kInfinity), "∞");
  EXPECT_EQ(Score(std::nullopt), "–");
  EXPECT_EQ(Milliseconds(1.234), "1.23\u00a0ms");
  EXPECT_EQ(Milliseconds(41.26), "41.3\u00a0ms");
  EXPECT_EQ(Milliseconds(1240.5), "1.24\u00a0s");
}

TEST(Numbers, CoordinatesAreAlwaysNumbers) {
  EXPECT_EQ(Coordinate(12.5), "12.5");
  EXPECT_EQ(Coordinate(100), "100");
  EXPECT_EQ(Coordinate(0.004), "0");
  EXPECT_EQ(Coordinate(-0.001), "0");
  EXPECT_EQ(Coordinate(1e-9), "0");
  EXPECT_EQ(Coordinate(kInfinity), "0");
  EXPECT_EQ(Coordinate(kNan), "0");
}

TEST(GroupOrder, CategoriesComeByTheirNumber) {
  Dimension categories{"category", {}};
  for (const char* name : {"S10", "S2", "S1", "S14", "S9"}) categories.groups.push_back({name, {}, {}});
  std::string order;
  for (const GroupFigures* group : InOrder(categories)) order += group->name + " ";
  EXPECT_EQ(order, "S1 S2 S9 S10 S14 ");
}

TEST(GroupOrder, OthersComeBySizeThenName) {
  Dimension sources{"source", {}};
  sources.groups.push_back({"small", FiguresOfCounts(1, 0, 0, 0), {}});
  sources.groups.push_back({"b", FiguresOfCounts(5, 0, 0, 0), {}});
  sources.groups.push_back({"a", FiguresOfCounts(5, 0, 0, 0), {}});
  std::string order;
  for (const GroupFigures* group : InOrder(sources)) order += group->name + " ";
  EXPECT_EQ(order, "a b small ");
}

TEST(GroupOrder, NaturalOrderIsTotal) {
  const std::vector<std::string> names = {"",   "S",   "S0", "S1",   "S01",   "S1a",
                                          "S2", "S10", "a",  "a1b2", "a1b10", "007"};
  for (const std::string& a : names) {
    EXPECT_FALSE(NaturallyBefore(a, a)) << a;
    for (const std::string& b : names) {
      if (a == b) continue;
      EXPECT_NE(NaturallyBefore(a, b), NaturallyBefore(b, a)) << a << " " << b;
    }
  }
  EXPECT_TRUE(NaturallyBefore("a1b2", "a1b10"));
  // Longer than any integer.
  EXPECT_TRUE(NaturallyBefore("x99999999999999999999999998", "x99999999999999999999999999"));
}

TEST(Series, GroupsAreMatchedByName) {
  std::vector<Report> reports(2);
  reports[0].dimensions = {{"language", {{"en", FiguresOfCounts(9, 0, 0, 0), {}}}}};
  reports[1].dimensions = {{"language", {{"fr", FiguresOfCounts(9, 0, 0, 0), {}}, {"en", {}, {}}}}};
  const std::vector<SharedDimension> shared = SharedDimensions(reports);
  ASSERT_EQ(shared.size(), 1u);
  ASSERT_EQ(shared[0].groups.size(), 2u);
  EXPECT_EQ(shared[0].groups[0].title, "en");
  EXPECT_EQ(shared[0].groups[0].of_reports[0], &reports[0].dimensions[0].groups[0]);
  EXPECT_EQ(shared[0].groups[0].of_reports[1], &reports[1].dimensions[0].groups[1]);
  EXPECT_EQ(shared[0].groups[1].of_reports[0], nullptr);
}

TEST(Series, ADifferenceIsClearWhereItsIntervalLeavesOutZero) {
  EXPECT_EQ(VerdictOn({0.02, {0.01, 0.03}}, true), "better");
  EXPECT_EQ(VerdictOn({0.02, {0.01, 0.03}}, false), "worse");
  EXPECT_EQ(VerdictOn({-0.02, {-0.03, -0.01}}, true), "worse");
  EXPECT_EQ(VerdictOn({-0.02, {-0.03, -0.01}}, false), "better");
  EXPECT_EQ(VerdictOn({0.02, {-0.01, 0.05}}, true), "no clear difference");
  EXPECT_EQ(VerdictOn({0, {0, 0}}, true), "no clear difference");
}

}  // namespace
}  // namespace gatehouse

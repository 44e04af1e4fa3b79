#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "columns.h"
#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

using test::Columns;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void ExpectCurve(const std::vector<CurvePoint>& found, const std::vector<CurvePoint>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].threshold, expected[i].threshold) << i;
    EXPECT_DOUBLE_EQ(found[i].recall, expected[i].recall) << i;
    EXPECT_DOUBLE_EQ(found[i].fpr, expected[i].fpr) << i;
    EXPECT_DOUBLE_EQ(found[i].precision, expected[i].precision) << i;
  }
}

TEST(Curve, OnePointForEachScore) {
  Columns columns{{0.2, 1, 0.7, 0.7, 0, 0.7}, {0, 1, 0, 1, 0, 1}, {}};
  ExpectCurve(Curve(columns.Rows()), {{kInfinity, 0, 0, 1},
                                      {1, 1.0 / 3, 0, 1},
                                      {0.7, 1, 1.0 / 3, 0.75},
                                      {0.2, 1, 2.0 / 3, 0.6},
                                      {0, 1, 1, 0.5}});
  Columns equal{{0.5, 0.5, 0.5}, {0, 1, 0}, {}};
  ExpectCurve(Curve(equal.Rows()), {{kInfinity, 0, 0, 1}, {0.5, 1, 1, 1.0 / 3}});
}

TEST(Curve, EmptyWithoutBothClasses) {
  Columns none, unsafe{{0.1, 0.2}, {1, 1}, {}}, safe{{0.1, 0.2}, {0, 0}, {}};
  for (Columns* columns : {&none, &unsafe, &safe}) EXPECT_TRUE(Curve(columns->Rows()).empty());
}

TEST(Curve, NeedsNoVerdicts) {
  Columns columns{{0.1, 0.9}, {0, 1}, {}};
  ScoredRows rows = columns.Rows();
  rows.predicted = nullptr;
  EXPECT_EQ(Curve(rows).size(), 3U);
}

TEST(Thinned, KeepsWhatFits) {
  const std::vector<CurvePoint> curve = {{kInfinity, 0, 0, 1}, {0.5, 0.5, 0.5, 0.5}, {0, 1, 1, 0.5}};
  ExpectCurve(Thinned(curve, 3), curve);
  ExpectCurve(Thinned(curve, 100), curve);
  ExpectCurve(Thinned(curve, 2), {curve[0], curve[2]});
  ExpectCurve(Thinned(curve, 1), {curve[0]});
  EXPECT_TRUE(Thinned(curve, 0).empty());
  EXPECT_TRUE(Thinned({}, 5).empty());
}

TEST(Thinned, KeepsCornersAndDropsStraightLines) {
  // Up, then right, then flat at another precision: the corners are enough, however many points are allowed.
  std::vector<CurvePoint> curve;
  for (int i = 0; i <= 100; ++i) curve.push_back({1.0 - i * 0.001, i / 100.0, 0, 1});
  for (int i = 1; i <= 100; ++i) curve.push_back({0.8 - i * 0.001, 1, i / 100.0, 1 - i / 200.0});
  ExpectCurve(Thinned(curve, 50), {curve.front(), curve[100], curve.back()});
}

// The points of the thinned curve that are not in it are never far from its lines, in either picture.
double WorstError(const std::vector<CurvePoint>& curve, const std::vector<CurvePoint>& thin, bool roc) {
  const auto x = [roc](const CurvePoint& p) { return roc ? p.fpr : p.recall; };
  const auto y = [roc](const CurvePoint& p) { return roc ? p.recall : p.precision; };
  double worst = 0;
  size_t next = 0;
  for (const CurvePoint& point : curve) {
    while (next + 1 < thin.size() && thin[next].threshold > point.threshold) ++next;
    const CurvePoint& a = thin[next == 0 ? 0 : next - 1];
    const CurvePoint& b = thin[next];
    const double dx = x(b) - x(a), dy = y(b) - y(a), length = dx * dx + dy * dy;
    double t = 0;
    if (length > 0) t = std::clamp(((x(point) - x(a)) * dx + (y(point) - y(a)) * dy) / length, 0.0, 1.0);
    worst = std::max(worst, std::hypot(x(point) - x(a) - t * dx, y(point) - y(a) - t * dy));
  }
  return worst;
}

TEST(Thinned, DrawsTheSamePicture) {
  std::mt19937_64 engine(21);
  Columns columns = test::RandomColumns(engine, 200'000, 0);
  const auto curve = Curve(columns.Rows());
  const auto thin = Thinned(curve, 400);
  ASSERT_EQ(thin.size(), 400U);
  EXPECT_EQ(thin.front().threshold, kInfinity);
  EXPECT_EQ(thin.back().threshold, curve.back().threshold);
  for (size_t i = 1; i < thin.size(); ++i) EXPECT_LT(thin[i].threshold, thin[i - 1].threshold);
  EXPECT_LT(WorstError(curve, thin, true), 0.003);  // a pixel of a picture 400 wide
  EXPECT_LT(WorstError(curve, thin, false), 0.003);
}

}  // namespace
}  // namespace gatehouse

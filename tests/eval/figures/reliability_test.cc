#include <gtest/gtest.h>

#include <cmath>

#include "columns.h"
#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

using test::Columns;

TEST(Reliability, SizesDifferByAtMostOne) {
  // 7 rows in 3 groups: 3, 2, 2.
  Columns columns{{0.75, 0.125, 1, 0.25, 0, 0.5, 0.875}, {1, 0, 1, 1, 0, 0, 0}, {}};
  const auto bins = Reliability(columns.Rows(), 3);
  const ReliabilityBin expected[] = {
      {3, 0, 0.25, 0.125, 1.0 / 3}, {2, 0.5, 0.75, 0.625, 0.5}, {2, 0.875, 1, 0.9375, 0.5}};
  ASSERT_EQ(bins.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(bins[i].n, expected[i].n) << i;
    EXPECT_EQ(bins[i].low, expected[i].low) << i;
    EXPECT_EQ(bins[i].high, expected[i].high) << i;
    EXPECT_DOUBLE_EQ(bins[i].mean_score, expected[i].mean_score) << i;
    EXPECT_DOUBLE_EQ(bins[i].share, expected[i].share) << i;
  }
}

TEST(Reliability, EqualScoresStayInRowOrder) {
  Columns columns{{0.5, 0.5, 0.5, 0.5}, {1, 1, 0, 0}, {}};
  const auto bins = Reliability(columns.Rows(), 2);
  ASSERT_EQ(bins.size(), 2U);
  EXPECT_EQ(bins[0].share, 1);
  EXPECT_EQ(bins[1].share, 0);
}

TEST(Reliability, FewRowsOrNoBins) {
  Columns none, two{{0.5, 0.25}, {1, 0}, {}};
  EXPECT_TRUE(Reliability(none.Rows()).empty());
  EXPECT_TRUE(Reliability(two.Rows(), 0).empty());
  EXPECT_TRUE(Reliability(two.Rows(), -1).empty());
  const auto bins = Reliability(two.Rows());
  ASSERT_EQ(bins.size(), 2U);  // groups without rows are left out
  EXPECT_EQ(bins[0].n, 1);
  EXPECT_EQ(bins[0].mean_score, 0.25);
  EXPECT_EQ(bins[1].share, 1);
}

// Two codes cut the same bins: the calibration error is the mean gap of the reliability bins.
TEST(Reliability, AgreesWithCalibrationError) {
  std::mt19937_64 engine(31);
  for (size_t n = 1; n < 400; n += 7) {
    Columns columns = test::RandomColumns(engine, n, n % 2 == 0 ? 5 : 0);
    double gap = 0;
    for (const ReliabilityBin& bin : Reliability(columns.Rows()))
      gap += static_cast<double>(bin.n) * std::abs(bin.mean_score - bin.share) / static_cast<double>(n);
    EXPECT_NEAR(ComputeFigures(columns.Rows()).ece.value(), gap, 1e-12) << n;
  }
}

}  // namespace
}  // namespace gatehouse

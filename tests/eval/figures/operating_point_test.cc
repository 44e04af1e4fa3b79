#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "columns.h"
#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

using test::Columns;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Columns Six() { return {{0.9, 0.8, 0.7, 0.6, 0.5, 0.4}, {0, 1, 1, 0, 1, 0}, {}}; }

TEST(AtFalsePositiveRate, Table) {
  const struct {
    double wanted, threshold, fpr;
    std::optional<double> recall, precision, f1;
  } cases[] = {
      {0, kInfinity, 0, 0.0, std::nullopt, 0.0},  // the highest score is of a safe row
      {0.3, kInfinity, 0, 0.0, std::nullopt, 0.0},
      {1.0 / 3, 0.7, 1.0 / 3, 2.0 / 3, 2.0 / 3, 2.0 / 3},
      {0.5, 0.7, 1.0 / 3, 2.0 / 3, 2.0 / 3, 2.0 / 3},
      {2.0 / 3, 0.5, 2.0 / 3, 1.0, 0.6, 0.75},
      {1, 0.4, 1, 1.0, 0.5, 2.0 / 3},
      {7, 0.4, 1, 1.0, 0.5, 2.0 / 3},
  };
  Columns six = Six();
  for (const auto& c : cases) {
    const auto point = AtFalsePositiveRate(six.Rows(), c.wanted);
    ASSERT_TRUE(point) << c.wanted;
    EXPECT_EQ(point->threshold, c.threshold) << c.wanted;
    EXPECT_DOUBLE_EQ(point->fpr, c.fpr) << c.wanted;
    EXPECT_DOUBLE_EQ(point->recall.value(), c.recall.value()) << c.wanted;
    ASSERT_EQ(point->precision.has_value(), c.precision.has_value()) << c.wanted;
    if (c.precision) {
      EXPECT_DOUBLE_EQ(*point->precision, *c.precision) << c.wanted;
    }
    EXPECT_DOUBLE_EQ(point->f1.value(), c.f1.value()) << c.wanted;
  }
  EXPECT_FALSE(AtFalsePositiveRate(six.Rows(), -0.1));
  EXPECT_FALSE(AtFalsePositiveRate(six.Rows(), std::numeric_limits<double>::quiet_NaN()));
}

TEST(AtFalsePositiveRate, TiesAreTakenTogether) {
  // At 0.6 one of two safe rows joins with an unsafe one.
  Columns columns{{0.8, 0.6, 0.6, 0.2}, {1, 1, 0, 0}, {}};
  EXPECT_EQ(AtFalsePositiveRate(columns.Rows(), 0.4)->threshold, 0.8);
  EXPECT_EQ(AtFalsePositiveRate(columns.Rows(), 0.5)->threshold, 0.6);
}

TEST(AtFalsePositiveRate, RoundingDoesNotMissTheRate) {
  Columns columns;
  for (int i = 0; i < 49; ++i) {
    columns.scores.push_back(1 - i / 64.0);
    columns.labels.push_back(0);
  }
  ASSERT_LT(1.0 / 49 * 49, 1);  // in doubles: a product would say that 1 of 49 is more than 1/49
  EXPECT_EQ(AtFalsePositiveRate(columns.Rows(), 1.0 / 49)->threshold, 1);
  EXPECT_EQ(AtFalsePositiveRate(columns.Rows(), 3.0 / 49)->threshold, 1 - 2 / 64.0);
}

TEST(AtFalsePositiveRate, OneClass) {
  Columns none, unsafe{{0.1, 0.2}, {1, 1}, {}}, safe{{0.1, 0.2}, {0, 0}, {}};
  EXPECT_FALSE(AtFalsePositiveRate(none.Rows(), 0.5));
  EXPECT_FALSE(AtFalsePositiveRate(unsafe.Rows(), 0.5));
  const auto point = AtFalsePositiveRate(safe.Rows(), 0.5);
  ASSERT_TRUE(point);
  EXPECT_EQ(point->threshold, 0.2);
  EXPECT_EQ(point->fpr, 0.5);
  EXPECT_FALSE(point->recall);
  EXPECT_FALSE(point->f1);
  EXPECT_EQ(point->precision, 0.0);
}

TEST(AtHighestF1, Table) {
  // F1 from the top: 0, 2/5, 4/6, 4/7, 6/8, 6/9.
  Columns six = Six();
  const auto point = AtHighestF1(six.Rows());
  ASSERT_TRUE(point);
  EXPECT_EQ(point->threshold, 0.5);
  EXPECT_DOUBLE_EQ(point->f1.value(), 0.75);
  EXPECT_DOUBLE_EQ(point->recall.value(), 1);
  EXPECT_DOUBLE_EQ(point->precision.value(), 0.6);
  EXPECT_DOUBLE_EQ(point->fpr, 2.0 / 3);

  // 2/3 at 0.9 and 4/6 at 0.6.
  Columns equal{{0.9, 0.8, 0.7, 0.6}, {1, 0, 0, 1}, {}};
  EXPECT_EQ(AtHighestF1(equal.Rows())->threshold, 0.9);
}

TEST(AtHighestF1, OneClass) {
  Columns none, unsafe{{0.1, 0.2}, {1, 1}, {}}, safe{{0.1, 0.2}, {0, 0}, {}};
  EXPECT_FALSE(AtHighestF1(none.Rows()));
  EXPECT_FALSE(AtHighestF1(safe.Rows()));
  const auto point = AtHighestF1(unsafe.Rows());
  ASSERT_TRUE(point);
  EXPECT_EQ(point->threshold, 0.1);
  EXPECT_EQ(point->f1, 1.0);
  EXPECT_EQ(point->fpr, 0);
}

TEST(AtHighestF1, AtARateOrBelow) {
  // F1 and rate from the top: 0 at 1/3, 2/5 and 4/6 at 1/3, 4/7 and 6/8 at 2/3, 6/9 at 1.
  Columns six = Six();
  EXPECT_EQ(AtHighestF1(six.Rows(), 1)->threshold, 0.5);
  EXPECT_EQ(AtHighestF1(six.Rows(), 2.0 / 3)->threshold, 0.5);
  EXPECT_EQ(AtHighestF1(six.Rows(), 0.5)->threshold, 0.7);
  const auto point = AtHighestF1(six.Rows(), 1.0 / 3);
  EXPECT_EQ(point->threshold, 0.7);
  EXPECT_DOUBLE_EQ(*point->f1, 2.0 / 3);
  EXPECT_DOUBLE_EQ(point->fpr, 1.0 / 3);
  const auto none = AtHighestF1(six.Rows(), 0.2);
  EXPECT_EQ(none->threshold, kInfinity);
  EXPECT_EQ(none->recall, 0.0);
  EXPECT_EQ(none->f1, 0.0);
  EXPECT_FALSE(AtHighestF1(six.Rows(), -0.1));
}

TEST(OperatingPoints, WeightsByHand) {
  // Unsafe 3, safe 3. From the top (tp, fp): (0, 2), (0.5, 2), (1, 2), (1, 2.5), (3, 2.5), (3, 3).
  Columns six = Six();
  const double weights[] = {2, 0.5, 0.5, 0.5, 2, 0.5};
  const auto best = AtHighestF1(six.Rows(), 1, weights);
  EXPECT_EQ(best->threshold, 0.5);
  EXPECT_DOUBLE_EQ(*best->f1, 6 / 8.5);
  EXPECT_DOUBLE_EQ(*best->recall, 1);
  EXPECT_DOUBLE_EQ(*best->precision, 3 / 5.5);
  EXPECT_DOUBLE_EQ(best->fpr, 2.5 / 3);
  EXPECT_EQ(AtHighestF1(six.Rows(), 0.7, weights)->threshold, 0.7);
  EXPECT_EQ(AtFalsePositiveRate(six.Rows(), 0.5, weights)->threshold, kInfinity);
  EXPECT_EQ(AtFalsePositiveRate(six.Rows(), 0.7, weights)->threshold, 0.7);
}

TEST(OperatingPoints, WeightsDoNotMissARateByRounding) {
  Columns columns;
  std::vector<double> weights;
  for (int i = 0; i < 490; ++i) {
    columns.scores.push_back(1 - i / 512.0);
    columns.labels.push_back(0);
    weights.push_back(i % 10 == 0 ? 1 : 1.0 / 9);  // tenths and nines of them: sums that are not exact
  }
  // Of 98 the first 10 weigh 2.
  EXPECT_EQ(AtFalsePositiveRate(columns.Rows(), 2.0 / 98, weights.data())->threshold, 1 - 9 / 512.0);
}

// Whole numbers as weights: a row of weight 3 is three rows.
TEST(OperatingPoints, WeightsAreRowsThatCountSeveralTimes) {
  std::mt19937_64 engine(11);
  for (int round = 0; round < 60; ++round) {
    const Columns once = test::RandomColumns(engine, 40, round % 2 == 0 ? 0 : 12);
    Columns several;
    std::vector<double> weights;
    for (size_t i = 0; i < once.scores.size(); ++i) {
      const auto count = static_cast<size_t>(1 + engine() % 4);
      weights.push_back(static_cast<double>(count));
      several.scores.insert(several.scores.end(), count, once.scores[i]);
      several.labels.insert(several.labels.end(), count, once.labels[i]);
    }
    Columns copy = once;
    const auto same = [&](const std::optional<OperatingPoint>& a, const std::optional<OperatingPoint>& b) {
      ASSERT_EQ(a.has_value(), b.has_value());
      if (!a) return;
      EXPECT_EQ(a->threshold, b->threshold) << round;
      EXPECT_DOUBLE_EQ(a->fpr, b->fpr);
      EXPECT_EQ(a->recall, b->recall);
      EXPECT_EQ(a->f1, b->f1);
    };
    for (const double fpr : {0.0, 0.05, 0.25, 1.0}) {
      same(AtFalsePositiveRate(copy.Rows(), fpr, weights.data()), AtFalsePositiveRate(several.Rows(), fpr));
      same(AtHighestF1(copy.Rows(), fpr, weights.data()), AtHighestF1(several.Rows(), fpr));
    }
  }
}

}  // namespace
}  // namespace gatehouse

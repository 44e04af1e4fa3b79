#include "eval/figures/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "columns.h"
#include "eval/figures/percentile.h"
#include "eval/figures/resampler.h"

namespace gatehouse {
namespace {

using test::Columns;

struct Named {
  const char* name;
  std::optional<double> BinaryFigures::*value;
  std::optional<Interval> FigureIntervals::*interval;
  std::optional<FigureDifferences::Difference> FigureDifferences::*difference;
};
const Named kAll[] = {
    {"recall", &BinaryFigures::recall, &FigureIntervals::recall, &FigureDifferences::recall},
    {"fpr", &BinaryFigures::fpr, &FigureIntervals::fpr, &FigureDifferences::fpr},
    {"precision", &BinaryFigures::precision, &FigureIntervals::precision, &FigureDifferences::precision},
    {"f1", &BinaryFigures::f1, &FigureIntervals::f1, &FigureDifferences::f1},
    {"auprc", &BinaryFigures::auprc, &FigureIntervals::auprc, &FigureDifferences::auprc},
    {"auroc", &BinaryFigures::auroc, &FigureIntervals::auroc, &FigureDifferences::auroc},
    {"ece", &BinaryFigures::ece, &FigureIntervals::ece, &FigureDifferences::ece},
};

BootstrapOptions Options(int rounds, uint64_t seed = 1) {
  BootstrapOptions options;
  options.rounds = rounds;
  options.seed = seed;
  return options;
}

void ExpectSame(const FigureIntervals& a, const FigureIntervals& b, bool same = true) {
  for (const Named& figure : kAll) {
    const auto& x = a.*figure.interval;
    const auto& y = b.*figure.interval;
    ASSERT_TRUE(x && y) << figure.name;
    EXPECT_EQ(x->low == y->low && x->high == y->high, same) << figure.name;
  }
}

TEST(Percentile, BetweenValues) {
  // numpy's default: position share * (n - 1), linear between neighbours.
  EXPECT_DOUBLE_EQ(Percentile({1, 2, 3, 4}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Percentile({1, 2, 3, 4}, 0.025), 1.075);
  EXPECT_DOUBLE_EQ(Percentile({1, 2, 3, 4}, 0.975), 3.925);
  EXPECT_DOUBLE_EQ(Percentile({1, 3, 10}, 0.75), 6.5);
  EXPECT_EQ(Percentile({1, 2, 3, 4}, 0), 1);
  EXPECT_EQ(Percentile({1, 2, 3, 4}, 1), 4);
  EXPECT_EQ(Percentile({7}, 0.3), 7);
}

// The same rounds with the rows written out, sorted and measured each time.
TEST(Bootstrap, EqualsMeasuringEveryResample) {
  std::mt19937_64 engine(61);
  Columns columns = test::RandomColumns(engine, 150, 20);
  constexpr int kRounds = 101;
  std::vector<double> values[std::size(kAll)];
  Resampler resampler(150, nullptr, 8);
  for (int round = 0; round < kRounds; ++round) {
    resampler.Draw(round);
    Columns drawn;
    for (size_t i = 0; i < 150; ++i) {
      for (uint32_t k = 0; k < resampler.weights()[i]; ++k) {
        drawn.scores.push_back(columns.scores[i]);
        drawn.labels.push_back(columns.labels[i]);
        drawn.predicted.push_back(columns.predicted[i]);
      }
    }
    const BinaryFigures figures = ComputeFigures(drawn.Rows());
    for (size_t f = 0; f < std::size(kAll); ++f) values[f].push_back((figures.*kAll[f].value).value());
  }
  BootstrapOptions options = Options(kRounds, 8);
  options.level = 0.9;
  const FigureIntervals found = Bootstrap(columns.Rows(), options);
  for (size_t f = 0; f < std::size(kAll); ++f) {
    // 101 values: the 5th and 95th percentiles are the values 5 and 95 themselves.
    std::sort(values[f].begin(), values[f].end());
    const auto& interval = found.*kAll[f].interval;
    ASSERT_TRUE(interval) << kAll[f].name;
    EXPECT_NEAR(interval->low, values[f][5], 1e-13) << kAll[f].name;
    EXPECT_NEAR(interval->high, values[f][95], 1e-13) << kAll[f].name;
    EXPECT_LT(interval->low, interval->high) << kAll[f].name;
  }
}

TEST(Bootstrap, SeedDecides) {
  std::mt19937_64 engine(62);
  Columns columns = test::RandomColumns(engine, 300, 0);
  ExpectSame(Bootstrap(columns.Rows(), Options(200, 3)), Bootstrap(columns.Rows(), Options(200, 3)));
  ExpectSame(Bootstrap(columns.Rows(), Options(200, 3)), Bootstrap(columns.Rows(), Options(200, 4)), false);
}

TEST(Bootstrap, Coverage) {
  // Verdicts on unsafe rows are right with chance 0.8. The interval of recall should hold 0.8 in about 95 %
  // of sets.
  std::mt19937_64 engine(63);
  int covered = 0;
  for (int set = 0; set < 300; ++set) {
    Columns columns;
    for (int i = 0; i < 400; ++i) {
      const bool unsafe = i % 2 == 0;
      columns.labels.push_back(unsafe);
      columns.predicted.push_back(test::Uniform(engine) < (unsafe ? 0.8 : 0.1));
      columns.scores.push_back(test::Uniform(engine));
    }
    const auto interval = Bootstrap(columns.Rows(), Options(500, static_cast<uint64_t>(set))).recall;
    ASSERT_TRUE(interval);
    covered += interval->low <= 0.8 && 0.8 <= interval->high;
  }
  RecordProperty("covered", covered);
  EXPECT_GE(covered, 270);
  EXPECT_LE(covered, 297);
}

TEST(Bootstrap, OneClusterHasNoWidth) {
  std::mt19937_64 engine(64);
  Columns columns = test::RandomColumns(engine, 100, 10);
  const std::vector<uint32_t> clusters(100, 42);
  BootstrapOptions options = Options(50);
  options.clusters = clusters.data();
  const BinaryFigures figures = ComputeFigures(columns.Rows());
  const FigureIntervals intervals = Bootstrap(columns.Rows(), options);
  for (const Named& figure : kAll) {
    const auto& interval = intervals.*figure.interval;
    ASSERT_TRUE(interval) << figure.name;
    EXPECT_EQ(interval->low, interval->high) << figure.name;
    EXPECT_EQ(interval->low, figures.*figure.value) << figure.name;
  }
}

TEST(Bootstrap, RowsAsTheirOwnClusters) {
  std::mt19937_64 engine(65);
  Columns columns = test::RandomColumns(engine, 100, 0);
  std::vector<uint32_t> clusters;
  for (uint32_t i = 0; i < 100; ++i) clusters.push_back(7 * i + 3);
  BootstrapOptions options = Options(100);
  const FigureIntervals rows = Bootstrap(columns.Rows(), options);
  options.clusters = clusters.data();
  ExpectSame(rows, Bootstrap(columns.Rows(), options));
}

// Four copies of each row say no more than one: with clusters the interval stays, without it shrinks by half.
TEST(Bootstrap, CopiesOfARowAddNothing) {
  std::mt19937_64 engine(66);
  Columns once = test::RandomColumns(engine, 200, 0), copies;
  std::vector<uint32_t> clusters;
  for (uint32_t i = 0; i < 200; ++i) {
    for (int k = 0; k < 4; ++k) {
      copies.scores.push_back(once.scores[i]);
      copies.labels.push_back(once.labels[i]);
      copies.predicted.push_back(once.predicted[i]);
      clusters.push_back(i);
    }
  }
  BootstrapOptions options = Options(400);
  const FigureIntervals single = Bootstrap(once.Rows(), options), naive = Bootstrap(copies.Rows(), options);
  options.clusters = clusters.data();
  const FigureIntervals clustered = Bootstrap(copies.Rows(), options);
  for (const auto figure : {&FigureIntervals::recall, &FigureIntervals::fpr, &FigureIntervals::auroc}) {
    const Interval a = (single.*figure).value(), b = (clustered.*figure).value(), c = (naive.*figure).value();
    EXPECT_DOUBLE_EQ(a.low, b.low);
    EXPECT_DOUBLE_EQ(a.high, b.high);
    EXPECT_NEAR((c.high - c.low) / (a.high - a.low), 0.5, 0.1);
  }
}

TEST(Bootstrap, UndefinedFigures) {
  Columns none, unsafe{{0.25, 0.75, 0.5}, {1, 1, 1}, {}}, safe{{0.25, 0.1}, {0, 0}, {}};
  const FigureIntervals of_none = Bootstrap(none.Rows(), Options(20));
  const FigureIntervals of_no_rounds = Bootstrap(unsafe.Rows(), Options(0));
  for (const Named& figure : kAll) {
    EXPECT_FALSE(of_none.*figure.interval) << figure.name;
    EXPECT_FALSE(of_no_rounds.*figure.interval) << figure.name;
  }
  const FigureIntervals of_unsafe = Bootstrap(unsafe.Rows(), Options(50));
  EXPECT_TRUE(of_unsafe.recall && of_unsafe.precision && of_unsafe.f1 && of_unsafe.auprc && of_unsafe.ece);
  EXPECT_FALSE(of_unsafe.fpr || of_unsafe.auroc);
  const FigureIntervals of_safe = Bootstrap(safe.Rows(), Options(50));
  EXPECT_TRUE(of_safe.fpr && of_safe.ece);
  EXPECT_FALSE(of_safe.recall || of_safe.precision || of_safe.f1 || of_safe.auprc || of_safe.auroc);
}

TEST(PairedDifferences, OfAModelWithItselfAreZero) {
  std::mt19937_64 engine(71);
  Columns columns = test::RandomColumns(engine, 200, 30);
  const FigureDifferences differences = PairedDifferences(columns.Rows(), columns.Rows(), Options(100));
  for (const Named& figure : kAll) {
    const auto& difference = differences.*figure.difference;
    ASSERT_TRUE(difference) << figure.name;
    EXPECT_EQ(difference->value, 0) << figure.name;
    EXPECT_EQ(difference->interval.low, 0) << figure.name;
    EXPECT_EQ(difference->interval.high, 0) << figure.name;
  }
}

TEST(PairedDifferences, IsSecondLessFirstAndTurnsRound) {
  std::mt19937_64 engine(72);
  Columns first = test::RandomColumns(engine, 400, 0), second = first;
  // The second is better on a tenth of the rows.
  for (size_t i = 0; i < 400; i += 10) {
    second.predicted[i] = second.labels[i];
    second.scores[i] = second.labels[i] != 0 ? 0.99 : 0.01;
  }
  const BinaryFigures a = ComputeFigures(first.Rows()), b = ComputeFigures(second.Rows());
  const FigureDifferences forth = PairedDifferences(first.Rows(), second.Rows(), Options(200));
  const FigureDifferences back = PairedDifferences(second.Rows(), first.Rows(), Options(200));
  for (const Named& figure : kAll) {
    const auto& difference = forth.*figure.difference;
    const auto& turned = back.*figure.difference;
    ASSERT_TRUE(difference && turned) << figure.name;
    EXPECT_EQ(difference->value, (b.*figure.value).value() - (a.*figure.value).value()) << figure.name;
    EXPECT_LT(difference->interval.low, difference->interval.high) << figure.name;
    EXPECT_NEAR(difference->interval.low, -turned->interval.high, 1e-14) << figure.name;
    EXPECT_NEAR(difference->interval.high, -turned->interval.low, 1e-14) << figure.name;
  }
  EXPECT_GT(forth.auroc->interval.low, 0);
  // Pairing: most rows agree, so the difference is known better than either figure.
  const Interval alone = Bootstrap(first.Rows(), Options(200)).auroc.value();
  EXPECT_LT(forth.auroc->interval.high - forth.auroc->interval.low, (alone.high - alone.low) / 2);
}

TEST(PairedDifferences, AbsentWhereUndefined) {
  Columns first, second;
  for (int i = 0; i < 100; ++i) {
    for (Columns* columns : {&first, &second}) {
      columns->scores.push_back(i / 100.0);
      columns->labels.push_back(i % 2 == 1);
      columns->predicted.push_back(columns == &first ? i == 0 : i == 1);
    }
  }
  // Each flags one row, drawn in 63 % of rounds: both are in 40 %.
  EXPECT_TRUE(Bootstrap(first.Rows(), Options(400)).precision);
  const FigureDifferences differences = PairedDifferences(first.Rows(), second.Rows(), Options(400));
  EXPECT_FALSE(differences.precision);
  EXPECT_TRUE(differences.recall);

  second.labels[5] = 0;  // other labels
  EXPECT_FALSE(PairedDifferences(first.Rows(), second.Rows(), Options(10)).recall);
  Columns shorter{{0.5, 0.6}, {0, 1}, {}};
  EXPECT_FALSE(PairedDifferences(first.Rows(), shorter.Rows(), Options(10)).recall);
  Columns none;
  EXPECT_FALSE(PairedDifferences(none.Rows(), none.Rows(), Options(10)).ece);
}

TEST(Bootstrap, RoundsDoNotSortAgain) {
  std::mt19937_64 engine(67);
  Columns columns = test::RandomColumns(engine, 40'000, 0);
  const auto start = std::chrono::steady_clock::now();
  // A tenth of the rounds, so that sanitizers do not make the test slow.
  EXPECT_TRUE(Bootstrap(columns.Rows(), Options(100)).auprc);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  RecordProperty("milliseconds", static_cast<int>(taken.count() * 1000));
  EXPECT_LT(taken.count(), 30);
}

}  // namespace
}  // namespace gatehouse

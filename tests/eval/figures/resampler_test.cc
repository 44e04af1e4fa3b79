#include "eval/figures/resampler.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "columns.h"
#include "eval/figures/generator.h"
#include "eval/figures/sorted_rows.h"
#include "eval/figures/weighted_figures.h"

namespace gatehouse {
namespace {

using test::Columns;

// Numbers that the authors of the generators and other implementations publish.
TEST(Generator, KnownNumbers) {
  SplitMix64 spread(1234567);
  for (const uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U})
    EXPECT_EQ(spread.Next(), expected);
  Generator generator(std::array<uint64_t, 4>{1, 2, 3, 4});
  for (const uint64_t expected :
       {uint64_t{11520}, uint64_t{0}, uint64_t{1509978240}, uint64_t{1215971899390074240}})
    EXPECT_EQ(generator.Next(), expected);
}

TEST(Generator, StaysBelowAndReachesAll) {
  Generator generator(1, 2);
  for (const uint64_t bound : {uint64_t{1}, uint64_t{2}, uint64_t{7}, (uint64_t{1} << 63) + 1}) {
    std::vector<int> seen(bound < 10 ? bound : 1);
    for (int i = 0; i < 500; ++i) {
      const uint64_t value = generator.Below(bound);
      ASSERT_LT(value, bound);
      if (bound < 10) ++seen[value];
    }
    if (bound < 10) {
      for (const int count : seen) EXPECT_GT(count, 30);
    }
  }
}

// 2^64 numbers on 3 * 2^62 would give one in three of them twice the chance of the others.
TEST(Generator, FavoursNone) {
  Generator generator(3, 4);
  int favoured = 0;
  for (int i = 0; i < 3000; ++i) favoured += generator.Below(uint64_t{3} << 62) % 3 == 0;
  EXPECT_NEAR(favoured, 1000, 130);  // five standard deviations; 1500 if they were favoured
}

TEST(Resampler, DrawsEvenly) {
  constexpr int kRounds = 2000;
  Resampler resampler(10, nullptr, 5);
  double sum[10] = {}, squares[10] = {};
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(resampler.Draw(round), 10);
    const auto& weights = resampler.weights();
    ASSERT_EQ(std::accumulate(weights.begin(), weights.end(), 0U), 10U);
    for (size_t i = 0; i < 10; ++i) {
      sum[i] += weights[i];
      squares[i] += (weights[i] - 1.0) * (weights[i] - 1.0);
    }
  }
  // A weight is binomial: 10 draws of chance 1/10, mean 1, variance 0.9. Five standard errors of room.
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_NEAR(sum[i] / kRounds, 1, 0.106);
    EXPECT_NEAR(squares[i] / kRounds, 0.9, 0.2);
  }
}

TEST(Resampler, RoundDependsOnSeedAndNumberOnly) {
  Resampler a(50, nullptr, 9), b(50, nullptr, 9), other(50, nullptr, 10);
  a.Draw(0);
  const auto first = a.weights();
  a.Draw(7);
  const auto seventh = a.weights();
  b.Draw(7);
  EXPECT_EQ(b.weights(), seventh);
  EXPECT_NE(first, seventh);
  other.Draw(7);
  EXPECT_NE(other.weights(), seventh);
}

TEST(Resampler, ClustersAreDrawnWhole) {
  const std::vector<uint32_t> clusters = {900, 7, 900, 4'000'000'000U, 7, 900};
  Resampler resampler(clusters.size(), clusters.data(), 3);
  for (int round = 0; round < 200; ++round) {
    const int64_t total = resampler.Draw(round);
    const auto& w = resampler.weights();
    EXPECT_EQ(w[0], w[2]);
    EXPECT_EQ(w[0], w[5]);
    EXPECT_EQ(w[1], w[4]);
    EXPECT_EQ(w[0] + w[1] + w[3], 3U);  // as many clusters as there are
    EXPECT_EQ(total, std::accumulate(w.begin(), w.end(), int64_t{0}));
  }
}

TEST(Resampler, NoRows) {
  Resampler rows(0, nullptr, 1);
  EXPECT_EQ(rows.Draw(0), 0);
  const uint32_t unused = 0;
  Resampler clusters(0, &unused, 1);
  EXPECT_EQ(clusters.Draw(0), 0);
}

// The rows drawn, written out: each as often as its weight, in row order.
Columns Drawn(const Columns& columns, const std::vector<uint32_t>& weights) {
  Columns drawn;
  for (size_t i = 0; i < weights.size(); ++i) {
    drawn.scores.insert(drawn.scores.end(), weights[i], columns.scores[i]);
    drawn.labels.insert(drawn.labels.end(), weights[i], columns.labels[i]);
    drawn.predicted.insert(drawn.predicted.end(), weights[i], columns.predicted[i]);
  }
  return drawn;
}

TEST(WeightedFigures, EqualThoseOfTheRowsWrittenOut) {
  std::mt19937_64 engine(51);
  int defined = 0;
  for (int round = 0; round < 400; ++round) {
    const size_t n = static_cast<size_t>(round % 80 == 0 ? 3000 : round % 80);
    Columns columns = test::RandomColumns(engine, n, round % 4);
    std::vector<uint32_t> clusters;
    for (size_t i = 0; i < n; ++i) clusters.push_back(static_cast<uint32_t>(engine() % (n / 3 + 1)));
    const auto sorted = SortRows(columns.Rows());
    Resampler resampler(n, round % 2 == 0 ? nullptr : clusters.data(), 77);
    const int64_t total = resampler.Draw(round);
    const auto& weights = resampler.weights();
    const BinaryFigures found = WeightedFigures(sorted, total, [&](size_t row) { return weights[row]; });
    Columns drawn = Drawn(columns, weights);
    const BinaryFigures expected = ComputeFigures(drawn.Rows());
    const std::string name = "round " + std::to_string(round);
    EXPECT_EQ(found.n, expected.n) << name;
    EXPECT_EQ(found.tp, expected.tp) << name;
    EXPECT_EQ(found.fp, expected.fp) << name;
    EXPECT_EQ(found.tn, expected.tn) << name;
    EXPECT_EQ(found.fn, expected.fn) << name;
    EXPECT_EQ(found.recall, expected.recall) << name;
    EXPECT_EQ(found.fpr, expected.fpr) << name;
    EXPECT_EQ(found.precision, expected.precision) << name;
    EXPECT_EQ(found.f1, expected.f1) << name;
    EXPECT_EQ(found.auprc, expected.auprc) << name;
    EXPECT_EQ(found.auroc, expected.auroc) << name;
    ASSERT_EQ(found.ece.has_value(), expected.ece.has_value()) << name;
    // A score times its weight is rounded once, the score added as often several times.
    if (found.ece) {
      EXPECT_NEAR(*found.ece, *expected.ece, 1e-13) << name;
    }
    defined += found.auroc && found.ece;
  }
  EXPECT_GT(defined, 300);
}

}  // namespace
}  // namespace gatehouse

// Rates of outcomes and their paired differences: by hand, and against the bootstrap of recall, which is the
// same rate where every row is unsafe.
#include "eval/figures/rates.h"

#include <gtest/gtest.h>

#include "eval/figures/generator.h"

namespace gatehouse {
namespace {

BootstrapOptions Rounds(int rounds) {
  BootstrapOptions out;
  out.rounds = rounds;
  return out;
}

TEST(Rates, CountOnlyTheRowsThatCount) {
  const std::vector<Outcomes> outcomes = {{1, 0, 1, kNotCounted}, {0, kNotCounted, kNotCounted, kNotCounted}};
  const Rates rates = PairedRates(outcomes, {{0, 1}}, Rounds(20));
  EXPECT_EQ(rates.rates[0].counted, 3);
  EXPECT_EQ(rates.rates[0].yes, 2);
  EXPECT_DOUBLE_EQ(*rates.rates[0].value, 2.0 / 3);
  EXPECT_EQ(rates.rates[1].counted, 1);
  EXPECT_DOUBLE_EQ(*rates.rates[1].value, 0);
  ASSERT_TRUE(rates.differences[0].has_value());
  EXPECT_DOUBLE_EQ(rates.differences[0]->value, -2.0 / 3);
}

TEST(Rates, AreAbsentWithoutRows) {
  const Rates rates = PairedRates({{kNotCounted, kNotCounted}, {1, 0}}, {{0, 1}}, Rounds(20));
  EXPECT_FALSE(rates.rates[0].value.has_value());
  EXPECT_FALSE(rates.rates[0].interval.has_value());
  EXPECT_FALSE(rates.differences[0].has_value());
  EXPECT_TRUE(rates.rates[1].interval.has_value());
}

// Two outcomes that differ in no row differ by nothing in every round; unpaired draws would spread.
TEST(Rates, OfEqualOutcomesDifferByExactlyNothing) {
  Outcomes coin;
  Generator generator(3, 0);
  for (int i = 0; i < 200; ++i) coin.push_back(generator.Below(2) != 0);
  const Rates rates = PairedRates({coin, coin}, {{0, 1}}, Rounds(200));
  EXPECT_EQ(rates.differences[0]->interval.low, 0);
  EXPECT_EQ(rates.differences[0]->interval.high, 0);
  EXPECT_LT(rates.rates[0].interval->low, rates.rates[0].interval->high);
}

TEST(Rates, AgreeWithTheBootstrapOfRecall) {
  constexpr size_t kRows = 300;
  Generator generator(5, 0);
  Outcomes first, second;
  std::vector<uint32_t> clusters;
  for (size_t i = 0; i < kRows; ++i) {
    first.push_back(generator.Below(3) == 0);
    second.push_back(generator.Below(4) == 0);
    clusters.push_back(static_cast<uint32_t>(generator.Below(40)));
  }
  const std::vector<double> scores(kRows, 0.5);
  const Outcomes labels(kRows, 1);
  const ScoredRows a{scores.data(), labels.data(), first.data(), kRows};
  const ScoredRows b{scores.data(), labels.data(), second.data(), kRows};
  for (const bool clustered : {false, true}) {
    BootstrapOptions options = Rounds(150);
    options.clusters = clustered ? clusters.data() : nullptr;
    const Rates rates = PairedRates({first, second}, {{0, 1}}, options);
    const FigureIntervals alone = Bootstrap(a, options);
    const FigureDifferences both = PairedDifferences(a, b, options);
    EXPECT_DOUBLE_EQ(rates.rates[0].interval->low, alone.recall->low);
    EXPECT_DOUBLE_EQ(rates.rates[0].interval->high, alone.recall->high);
    EXPECT_DOUBLE_EQ(rates.differences[0]->value, both.recall->value);
    EXPECT_DOUBLE_EQ(rates.differences[0]->interval.low, both.recall->interval.low);
    EXPECT_DOUBLE_EQ(rates.differences[0]->interval.high, both.recall->interval.high);
  }
}

}  // namespace
}  // namespace gatehouse

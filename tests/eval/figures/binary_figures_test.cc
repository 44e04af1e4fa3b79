#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "columns.h"
#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

using test::Columns;

constexpr std::nullopt_t kAbsent = std::nullopt;

void ExpectNear(const std::optional<double>& found, const std::optional<double>& expected,
                const std::string& what) {
  ASSERT_EQ(found.has_value(), expected.has_value()) << what;
  if (expected) {
    EXPECT_NEAR(*found, *expected, 1e-14) << what;
  }
}

TEST(FiguresOfCounts, Table) {
  const struct {
    int64_t tp, fp, tn, fn;
    std::optional<double> recall, fpr, precision, f1;
  } cases[] = {
      {6, 2, 8, 4, 0.6, 0.2, 0.75, 12.0 / 18},
      {0, 0, 0, 0, kAbsent, kAbsent, kAbsent, kAbsent},
      {0, 0, 5, 0, kAbsent, 0.0, kAbsent, kAbsent},  // safe rows alone, none flagged
      {0, 2, 3, 0, kAbsent, 0.4, 0.0, kAbsent},      // safe rows alone, some flagged: no F1
      {3, 0, 0, 1, 0.75, kAbsent, 1.0, 6.0 / 7},     // unsafe rows alone
      {0, 0, 0, 4, 0.0, kAbsent, kAbsent, 0.0},      // nothing flagged
      {0, 3, 1, 2, 0.0, 0.75, 0.0, 0.0},
      {5, 0, 5, 0, 1.0, 0.0, 1.0, 1.0},
  };
  for (const auto& c : cases) {
    const std::string name = std::to_string(c.tp) + " " + std::to_string(c.fp) + " " + std::to_string(c.tn) +
                             " " + std::to_string(c.fn);
    const BinaryFigures figures = FiguresOfCounts(c.tp, c.fp, c.tn, c.fn);
    EXPECT_EQ(figures.n, c.tp + c.fp + c.tn + c.fn) << name;
    EXPECT_EQ(figures.tp, c.tp) << name;
    EXPECT_EQ(figures.fp, c.fp) << name;
    EXPECT_EQ(figures.tn, c.tn) << name;
    EXPECT_EQ(figures.fn, c.fn) << name;
    ExpectNear(figures.recall, c.recall, name + ": recall");
    ExpectNear(figures.fpr, c.fpr, name + ": fpr");
    ExpectNear(figures.precision, c.precision, name + ": precision");
    ExpectNear(figures.f1, c.f1, name + ": f1");
    EXPECT_FALSE(figures.auprc || figures.auroc || figures.ece) << name;
  }
}

TEST(ComputeFigures, Table) {
  const struct {
    const char* name;
    Columns columns;
    std::optional<double> auprc, auroc, ece;
  } cases[] = {
      {"empty", {}, kAbsent, kAbsent, kAbsent},
      // Steps (1/2, precision 1) and (1/2, precision 2/3); 3 of 4 pairs in order; gaps 0.1 0.8 0.3 0.6.
      {"distinct", {{0.9, 0.8, 0.7, 0.6}, {1, 0, 1, 0}, {}}, 5.0 / 6, 0.75, 0.45},
      {"any row order", {{0.6, 0.9, 0.7, 0.8}, {0, 1, 1, 0}, {}}, 5.0 / 6, 0.75, 0.45},
      // One step: precision is the share of unsafe rows.
      {"all equal", {{0.5, 0.5, 0.5, 0.5}, {1, 0, 0, 0}, {}}, 0.25, 0.5, 0.5},
      // Steps (1/2, 1/2) and (1/2, 2/4); pairs 1/2 + 1 + 0 + 1/2; gaps 0.7 0.3 0.2 0.8.
      {"ties", {{0.8, 0.8, 0.3, 0.3}, {1, 0, 1, 0}, {}}, 0.5, 0.5, 0.5},
      // Steps (2/3, 2/3) and (1/3, 3/4); pairs: 2 x (1/2 + 1), 1 x (0 + 1).
      {"uneven ties",
       {{0.8, 0.8, 0.8, 0.3, 0.1}, {1, 0, 1, 1, 0}, {}},
       4.0 / 9 + 0.25,
       4.0 / 6,
       (0.2 + 0.8 + 0.2 + 0.7 + 0.1) / 5},
      {"extremes", {{1, 1, 0, 0}, {1, 0, 0, 1}, {}}, 0.5, 0.5, 0.5},
      {"perfect", {{0, 1, 0, 1, 1}, {0, 1, 0, 1, 1}, {}}, 1.0, 1.0, 0.0},
      {"inverted", {{0.25, 0.75}, {1, 0}, {}}, 0.5, 0.0, 0.75},
      {"minus zero is zero", {{-0.0, 0.0}, {1, 0}, {}}, 0.5, 0.5, 0.5},
      {"unsafe alone", {{0.25, 0.75}, {1, 1}, {}}, 1.0, kAbsent, 0.5},
      {"safe alone", {{0.25, 0.5}, {0, 0}, {}}, kAbsent, kAbsent, 0.375},
      {"one row", {{0.25}, {1}, {}}, 1.0, kAbsent, 0.75},
      // 16 rows: the first bin has two, 0 (unsafe) and 0.5 (safe), with a gap of |0.25 - 0.5| over 2 of 16
      // rows.
      {"first bin larger",
       {{0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {}},
       // 14 rows of precision 1, then the last unsafe row at 15 of 16; pairs: 14 of 15 in order.
       (14 + 15.0 / 16) / 15,
       14.0 / 15,
       0.5 / 16},
  };
  for (auto c : cases) {
    const BinaryFigures figures = ComputeFigures(c.columns.Rows());
    EXPECT_EQ(figures.n, static_cast<int64_t>(c.columns.scores.size())) << c.name;
    ExpectNear(figures.auprc, c.auprc, c.name + std::string(": auprc"));
    ExpectNear(figures.auroc, c.auroc, c.name + std::string(": auroc"));
    ExpectNear(figures.ece, c.ece, c.name + std::string(": ece"));
  }
}

// Equal scores stay in row order, so the order decides which bin they fall in.
TEST(ComputeFigures, CalibrationErrorOfEqualScoresFollowsRowOrder) {
  Columns alternating, sorted;
  for (int i = 0; i < 30; ++i) {
    alternating.scores.push_back(0.5);
    alternating.labels.push_back(i % 2 == 0);
    sorted.scores.push_back(0.5);
    sorted.labels.push_back(i < 15);
  }
  ExpectNear(ComputeFigures(alternating.Rows()).ece, 0.0, "every bin half unsafe");
  ExpectNear(ComputeFigures(sorted.Rows()).ece, 14.0 / 30, "14 bins of one class, one mixed");
}

TEST(ComputeFigures, VerdictsAreNotScores) {
  Columns columns{{0.9, 0.9, 0.1, 0.1, 0.1}, {1, 0, 1, 0, 0}, {0, 0, 1, 1, 0}};
  const BinaryFigures figures = ComputeFigures(columns.Rows());
  EXPECT_EQ(figures.tp, 1);
  EXPECT_EQ(figures.fp, 1);
  EXPECT_EQ(figures.fn, 1);
  EXPECT_EQ(figures.tn, 2);
  ExpectNear(figures.recall, 0.5, "recall");
  ExpectNear(figures.fpr, 1.0 / 3, "fpr");
  ExpectNear(figures.precision, 0.5, "precision");
  ExpectNear(figures.f1, 0.5, "f1");
}

TEST(ComputeFigures, RankAgreesWithEveryPair) {
  std::mt19937_64 engine(11);
  for (int round = 0; round < 60; ++round) {
    Columns columns = test::RandomColumns(engine, 2 + round * 3, round % 3 == 0 ? 0 : round % 7 + 1);
    const ScoredRows rows = columns.Rows();
    double won = 0, pairs = 0;
    for (size_t i = 0; i < rows.n; ++i) {
      for (size_t j = 0; j < rows.n; ++j) {
        if (rows.labels[i] != 1 || rows.labels[j] != 0) continue;
        pairs += 1;
        won += rows.scores[i] > rows.scores[j] ? 1 : rows.scores[i] == rows.scores[j] ? 0.5 : 0;
      }
    }
    const auto auroc = ComputeFigures(rows).auroc;
    ASSERT_EQ(auroc.has_value(), pairs > 0);
    if (auroc) {
      EXPECT_NEAR(*auroc, won / pairs, 1e-12);
    }
  }
}

TEST(ComputeFigures, MillionRowsInSeconds) {
  std::mt19937_64 engine(12);
  Columns columns = test::RandomColumns(engine, 1'000'000, 0);
  const auto start = std::chrono::steady_clock::now();
  const BinaryFigures figures = ComputeFigures(columns.Rows());
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(figures.n, 1'000'000);
  // Unsafe scores are 1 - u * u, safe ones v: the chance of 1 - u * u > v is the mean of 1 - u * u.
  EXPECT_NEAR(figures.auroc.value(), 2.0 / 3, 0.005);
  RecordProperty("milliseconds", static_cast<int>(taken.count() * 1000));
  EXPECT_LT(taken.count(), 20);  // a fraction of a second; room for sanitizers and a busy machine
}

}  // namespace
}  // namespace gatehouse

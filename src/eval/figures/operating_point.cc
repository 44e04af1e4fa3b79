#include <limits>

#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"

namespace gatehouse {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of the rows at or above a threshold, and of all: numbers of rows, or sums of their weights.
struct FlaggedSums {
  double unsafe = 0, safe = 0;
};

std::optional<double> Ratio(double part, double whole) {
  return whole > 0 ? std::optional(part / whole) : std::nullopt;
}

OperatingPoint PointAt(double threshold, const FlaggedSums& flagged, const FlaggedSums& all) {
  return {
      threshold, Ratio(flagged.safe, all.safe).value_or(0), Ratio(flagged.unsafe, all.unsafe),
      Ratio(flagged.unsafe, flagged.unsafe + flagged.safe),
      all.unsafe > 0 ? Ratio(2 * flagged.unsafe, flagged.unsafe + flagged.safe + all.unsafe) : std::nullopt};
}

// Thresholds from the highest down, while their false-positive rate is at most a given one.
class ThresholdWalk {
 public:
  ThresholdWalk(const ScoredRows& rows, const double* weights)
      : sorted_(SortRows(rows)), weights_(weights), slack_(weights == nullptr ? 0 : kSlack) {
    for (const SortedRow& row : sorted_) Count(row, &all_);
  }

  // visit(threshold, sums) for each.
  template <typename Visit>
  void ForEach(double most_fpr, Visit visit) const {
    FlaggedSums flagged;
    for (size_t i = sorted_.size(); i-- > 0;) {
      Count(sorted_[i], &flagged);
      if (i > 0 && sorted_[i - 1].score() == sorted_[i].score()) continue;
      // The quotient, not a product: 1 of 10 is then at most 0.1, whatever the rounding.
      if (all_.safe > 0 && flagged.safe / all_.safe > most_fpr + slack_) return;
      visit(sorted_[i].score(), flagged);
    }
  }

  const FlaggedSums& all() const { return all_; }
  double slack() const { return slack_; }

 private:
  // FlaggedSums of a million weights in another order differ by less. Numbers of rows are exact.
  static constexpr double kSlack = 1e-10;

  void Count(const SortedRow& row, FlaggedSums* sums) const {
    (row.label() != 0 ? sums->unsafe : sums->safe) += weights_ == nullptr ? 1.0 : weights_[row.row()];
  }

  std::vector<SortedRow> sorted_;
  const double* weights_;
  double slack_;
  FlaggedSums all_;
};

}  // namespace

std::optional<OperatingPoint> AtFalsePositiveRate(const ScoredRows& rows, double fpr, const double* weights) {
  const ThresholdWalk walk(rows, weights);
  if (walk.all().safe == 0 || !(fpr >= 0)) return std::nullopt;
  double best_threshold = kInfinity;
  FlaggedSums best;
  walk.ForEach(fpr, [&](double threshold, const FlaggedSums& flagged) {
    best_threshold = threshold;
    best = flagged;
  });
  return PointAt(best_threshold, best, walk.all());
}

std::optional<OperatingPoint> AtHighestF1(const ScoredRows& rows, double most_fpr, const double* weights) {
  const ThresholdWalk walk(rows, weights);
  const double unsafe = walk.all().unsafe;
  if (unsafe == 0 || !(most_fpr >= 0)) return std::nullopt;
  double best_threshold = kInfinity;
  FlaggedSums best;
  bool any = false;
  walk.ForEach(most_fpr, [&](double threshold, const FlaggedSums& flagged) {
    // F1 is 2 tp / (tp + fp + unsafe). Compared as fractions of whole numbers, so that equal ones are equal.
    const double with = flagged.unsafe * (best.unsafe + best.safe + unsafe);
    const double without = best.unsafe * (flagged.unsafe + flagged.safe + unsafe);
    if (any && !(with > without * (1 + walk.slack()))) return;
    any = true;
    best_threshold = threshold;
    best = flagged;
  });
  return PointAt(best_threshold, best, walk.all());
}

}  // namespace gatehouse

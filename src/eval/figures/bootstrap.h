// Intervals by resampling: seeded, so that a report can be made again to the digit.
//
// Rows are sorted once; a round draws how often each row counts and walks them in that order, which gives
// the figures of the rows drawn (equal but for the rounding of the sums of scores in ece). One thread: 1000
// rounds of 40 000 rows take half a second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "eval/figures/figures.h"

namespace gatehouse {

struct Interval {
  double low = 0, high = 0;
};

struct BootstrapOptions {
  int rounds = 1000;
  uint64_t seed = 1;
  double level = 0.95;                 // percentile interval
  const uint32_t* clusters = nullptr;  // [n] or null: rows of one number are drawn together
};

// The interval of each figure over the rounds that define it, between values as numpy.percentile does; absent
// where it is undefined in more than half of the rounds.
struct FigureIntervals {
  std::optional<Interval> recall, fpr, precision, f1, auprc, auroc, ece;
};
FigureIntervals Bootstrap(const ScoredRows& rows, const BootstrapOptions& options);

// second - first, resampled over the same rows for both: rows must agree in n and labels, else all is absent.
// A difference is absent where either figure is undefined, in all rows or in more than half of the rounds.
struct FigureDifferences {
  struct Difference {
    double value = 0;
    Interval interval;
  };
  std::optional<Difference> recall, fpr, precision, f1, auprc, auroc, ece;
};
FigureDifferences PairedDifferences(const ScoredRows& first, const ScoredRows& second,
                                    const BootstrapOptions& options);

}  // namespace gatehouse

#include <limits>

#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"

namespace gatehouse {
namespace {

OperatingPoint PointAt(double threshold, int64_t tp, int64_t fp, const ClassCounts& totals) {
  const BinaryFigures figures = FiguresOfCounts(tp, fp, totals.safe - fp, totals.unsafe - tp);
  return {threshold, figures.fpr.value_or(0), figures.recall, figures.precision, figures.f1};
}

}  // namespace

std::optional<OperatingPoint> AtFalsePositiveRate(const ScoredRows& rows, double fpr) {
  const ClassCounts totals = CountClasses(rows);
  if (totals.safe == 0 || !(fpr >= 0)) return std::nullopt;
  double best_threshold = std::numeric_limits<double>::infinity();
  int64_t best_tp = 0, best_fp = 0;
  ForEachThreshold(SortRows(rows), [&](double threshold, int64_t tp, int64_t fp) {
    // The quotient, not fpr * safe: 1 of 10 is then at most 0.1, whatever the rounding.
    if (static_cast<double>(fp) / static_cast<double>(totals.safe) > fpr) return false;
    best_threshold = threshold;
    best_tp = tp;
    best_fp = fp;
    return true;
  });
  return PointAt(best_threshold, best_tp, best_fp, totals);
}

std::optional<OperatingPoint> AtHighestF1(const ScoredRows& rows) {
  const ClassCounts totals = CountClasses(rows);
  if (totals.unsafe == 0) return std::nullopt;
  double best_threshold = 0;
  int64_t best_tp = -1, best_fp = 0;
  ForEachThreshold(SortRows(rows), [&](double threshold, int64_t tp, int64_t fp) {
    // F1 is 2 tp / (tp + fp + unsafe). Compared as fractions of integers, so that equal ones are equal.
    if (tp * (best_tp + best_fp + totals.unsafe) > best_tp * (tp + fp + totals.unsafe)) {
      best_threshold = threshold;
      best_tp = tp;
      best_fp = fp;
    }
    return true;
  });
  return PointAt(best_threshold, best_tp, best_fp, totals);
}

}  // namespace gatehouse

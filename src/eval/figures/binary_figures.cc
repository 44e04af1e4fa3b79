#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"
#include "eval/figures/weighted_figures.h"

namespace gatehouse {
namespace {

std::optional<double> Share(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

BinaryFigures FiguresOfCounts(int64_t tp, int64_t fp, int64_t tn, int64_t fn) {
  BinaryFigures figures;
  figures.n = tp + fp + tn + fn;
  figures.tp = tp;
  figures.fp = fp;
  figures.tn = tn;
  figures.fn = fn;
  figures.recall = Share(tp, tp + fn);
  figures.fpr = Share(fp, fp + tn);
  figures.precision = Share(tp, tp + fp);
  if (tp + fn > 0) figures.f1 = Share(2 * tp, 2 * tp + fp + fn);
  return figures;
}

BinaryFigures ComputeFigures(const ScoredRows& rows) { return UnweightedFigures(SortRows(rows)); }

}  // namespace gatehouse

#include <limits>

#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"

namespace gatehouse {

std::vector<CurvePoint> Curve(const ScoredRows& rows) {
  std::vector<CurvePoint> curve;
  const ClassCounts totals = CountClasses(rows);
  if (totals.unsafe == 0 || totals.safe == 0) return curve;
  curve.push_back({std::numeric_limits<double>::infinity(), 0, 0, 1});
  ForEachThreshold(SortRows(rows), [&](double threshold, int64_t tp, int64_t fp) {
    const double hits = static_cast<double>(tp), false_alarms = static_cast<double>(fp);
    curve.push_back({threshold, hits / static_cast<double>(totals.unsafe),
                     false_alarms / static_cast<double>(totals.safe), hits / static_cast<double>(tp + fp)});
    return true;
  });
  return curve;
}

}  // namespace gatehouse

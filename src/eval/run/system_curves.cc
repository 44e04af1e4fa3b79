#include "eval/run/system_curves.h"

#include <algorithm>
#include <limits>

#include "eval/figures/figures.h"
#include "eval/figures/rates.h"

namespace gatehouse {
namespace {

constexpr size_t kCurvePoints = 200;

struct Counts {
  int64_t counted = 0, yes = 0;
  std::optional<double> rate() const {
    if (counted == 0) return std::nullopt;
    return static_cast<double>(yes) / static_cast<double>(counted);
  }
};

double ScoreOf(const SystemRow& row, Filter filter) {
  if (filter == kInputFilter) return row.input_score;
  if (filter == kOutputFilter) return row.output_score;
  return std::max(row.input_score, row.output_score);
}

// The points that a drawing of violations over either kind of refusals needs.
std::vector<SystemPoint> ThinnedPoints(const std::vector<SystemPoint>& points) {
  std::vector<CurvePoint> axes;
  axes.reserve(points.size());
  for (const SystemPoint& point : points)
    axes.push_back({point.threshold, point.violations.value_or(0), point.harmless_refusals.value_or(0),
                    point.refusals.value_or(0)});
  std::vector<SystemPoint> out;
  size_t at = 0;
  for (const CurvePoint& kept : Thinned(axes, kCurvePoints)) {
    while (points[at].threshold != kept.threshold) ++at;  // both go from the highest threshold down
    out.push_back(points[at]);
  }
  return out;
}

}  // namespace

std::vector<SystemPoint> SystemCurve(const std::vector<SystemRow>& rows, Filter filter) {
  std::vector<const SystemRow*> order;
  order.reserve(rows.size());
  Counts violations, refusals, harmless;
  for (const SystemRow& row : rows) {
    order.push_back(&row);
    violations.counted += row.violates != kNotCounted;
    violations.yes += row.violates == 1;
    ++refusals.counted;
    refusals.yes += row.refuses;
    harmless.counted += row.harmless;
    harmless.yes += row.harmless && row.refuses;
  }
  std::stable_sort(order.begin(), order.end(), [filter](const SystemRow* a, const SystemRow* b) {
    return ScoreOf(*a, filter) > ScoreOf(*b, filter);
  });
  std::vector<SystemPoint> points;
  const auto add = [&](double threshold) {
    points.push_back({threshold, violations.rate(), refusals.rate(), harmless.rate()});
  };
  add(std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < order.size(); ++i) {
    const SystemRow& row = *order[i];
    violations.yes -= row.violates == 1;
    refusals.yes += !row.refuses;
    harmless.yes += row.harmless && !row.refuses;
    const double score = ScoreOf(row, filter);
    if (i + 1 == order.size() || ScoreOf(*order[i + 1], filter) != score) add(score);
  }
  return ThinnedPoints(points);
}

}  // namespace gatehouse

#include <algorithm>
#include <cmath>
#include <queue>

#include "eval/figures/figures.h"

namespace gatehouse {
namespace {

// No picture shows less.
constexpr double kInvisible = 1e-9;

// A stretch of the curve between two points that are kept, and the point between them that a straight line
// would miss by most.
struct Stretch {
  size_t first = 0, last = 0, farthest = 0;
  double distance = 0;

  // Of equal distances the earlier stretch is cut first: the result does not depend on the heap.
  bool operator<(const Stretch& other) const {
    if (distance != other.distance) return distance < other.distance;
    return first > other.first;
  }
};

// Distance to the line from a to b in the space of all three axes, which is never below the distance in the
// pictures that show two of them (fpr and recall, recall and precision).
double DistanceToLine(const CurvePoint& p, const CurvePoint& a, const CurvePoint& b) {
  const double line[3] = {b.fpr - a.fpr, b.recall - a.recall, b.precision - a.precision};
  const double point[3] = {p.fpr - a.fpr, p.recall - a.recall, p.precision - a.precision};
  double length = 0, along = 0;
  for (int i = 0; i < 3; ++i) {
    length += line[i] * line[i];
    along += line[i] * point[i];
  }
  const double part = length > 0 ? std::clamp(along / length, 0.0, 1.0) : 0.0;
  double square = 0;
  for (int i = 0; i < 3; ++i) square += (point[i] - part * line[i]) * (point[i] - part * line[i]);
  return std::sqrt(square);
}

Stretch Measured(const std::vector<CurvePoint>& curve, size_t first, size_t last) {
  Stretch stretch{first, last, first, 0};
  for (size_t i = first + 1; i < last; ++i) {
    const double distance = DistanceToLine(curve[i], curve[first], curve[last]);
    if (distance > stretch.distance) {
      stretch.distance = distance;
      stretch.farthest = i;
    }
  }
  return stretch;
}

}  // namespace

std::vector<CurvePoint> Thinned(const std::vector<CurvePoint>& curve, size_t limit) {
  if (curve.size() <= limit) return curve;
  if (limit == 0) return {};
  if (limit == 1) return {curve.front()};
  std::vector<size_t> kept = {0, curve.size() - 1};
  std::priority_queue<Stretch> stretches;
  stretches.push(Measured(curve, 0, curve.size() - 1));
  while (kept.size() < limit && !stretches.empty() && stretches.top().distance > kInvisible) {
    const Stretch cut = stretches.top();
    stretches.pop();
    kept.push_back(cut.farthest);
    stretches.push(Measured(curve, cut.first, cut.farthest));
    stretches.push(Measured(curve, cut.farthest, cut.last));
  }
  std::sort(kept.begin(), kept.end());
  std::vector<CurvePoint> thinned;
  thinned.reserve(kept.size());
  for (const size_t i : kept) thinned.push_back(curve[i]);
  return thinned;
}

}  // namespace gatehouse

#include "eval/run/compare.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "base/error.h"
#include "eval/run/mistakes.h"
#include "eval/run/record.h"

namespace gatehouse {
namespace {

constexpr size_t kMostChanged = 50;

struct Changed {
  Mistake row;
  double other_score = 0;
};

Result<Comparison::Against> CompareTwo(const std::string& base, const VerdictRule& base_rule,
                                       const std::string& other, const VerdictRule& other_rule,
                                       const ReportOptions& options) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionReader> first, PredictionReader::Open(base));
  GATEHOUSE_ASSIGN(const std::unique_ptr<PredictionReader> second, PredictionReader::Open(other));
  Columns a, b;
  std::map<std::string, uint32_t> clusters;
  std::multimap<double, Changed> changed;  // by difference of scores
  Comparison::Against out;
  double sum = 0;
  for (int64_t line = 1;; ++line) {
    Prediction x, y;
    GATEHOUSE_ASSIGN(const bool more_x, first->Next(&x));
    GATEHOUSE_ASSIGN(const bool more_y, second->Next(&y));
    if (!more_x && !more_y) break;
    // Line by line: both records are in the order of the data. Pairs that do not belong together would give
    // differences that mean nothing, so one mismatch ends it.
    if (more_x != more_y || x.id != y.id || x.source != y.source || x.unsafe != y.unsafe) {
      return BadInput("the records are of other rows", other + " line " + std::to_string(line),
                      more_x ? x.source + " " + x.id : "nothing", more_y ? y.source + " " + y.id : "nothing");
    }
    // A difference needs two answers.
    if (!x.error.empty() || !y.error.empty()) continue;
    const Decision p = Decide(base_rule, x), q = Decide(other_rule, y);
    a.scores.push_back(x.unsafe_score);
    b.scores.push_back(y.unsafe_score);
    for (Columns* one : {&a, &b}) one->labels.push_back(x.unsafe);
    a.predicted.push_back(p.unsafe);
    b.predicted.push_back(q.unsafe);
    if (!options.cluster.empty()) {
      const auto next = static_cast<uint32_t>(clusters.size());
      a.clusters.push_back(clusters.emplace(ClusterOf(x, options.cluster), next).first->second);
    }
    const double difference = std::fabs(x.unsafe_score - y.unsafe_score);
    sum += difference;
    out.worst_score_difference = std::max(out.worst_score_difference, difference);
    if (p.unsafe == q.unsafe) continue;
    ++out.verdicts_differ;
    changed.emplace(difference, Changed{MistakeOf(x, p), y.unsafe_score});
    // The smallest difference goes: a reader wants the largest.
    if (changed.size() > kMostChanged) changed.erase(changed.begin());
  }
  if (!a.scores.empty()) out.mean_score_difference = sum / static_cast<double>(a.scores.size());
  BootstrapOptions bootstrap = options.bootstrap;
  bootstrap.clusters = a.clusters.empty() ? nullptr : a.clusters.data();
  out.differences = PairedDifferences(a.View(), b.View(), bootstrap);
  for (auto row = changed.rbegin(); row != changed.rend(); ++row) {
    out.changed.push_back(std::move(row->second.row));
    out.changed_other_score.push_back(row->second.other_score);
  }
  return out;
}

}  // namespace

Result<Comparison> Compare(const std::vector<std::string>& records,
                           const std::vector<ReportOptions>& options) {
  if (records.size() < 2 || options.size() != records.size())
    return UsageError("nothing to compare", "--compare", "two records or more",
                      std::to_string(records.size()));
  Comparison out;
  for (size_t i = 0; i < records.size(); ++i) {
    GATEHOUSE_ASSIGN(Report report, BuildReport(records[i], options[i]));
    out.reports.push_back(std::move(report));
  }
  for (size_t i = 1; i < records.size(); ++i) {
    GATEHOUSE_ASSIGN(Comparison::Against against,
                     CompareTwo(records[0], options[0].rule, records[i], options[i].rule, options[0]));
    out.against.push_back(std::move(against));
  }
  return out;
}

}  // namespace gatehouse

// A report of a whole system as JSON. Nothing in it depends on the time, so that one made again is the same
// file.
#include <nlohmann/json.hpp>

#include "eval/report/json_figures.h"
#include "eval/report/system_report.h"
#include "eval/report/system_words.h"

namespace gatehouse {
namespace {

using OrderedJson = nlohmann::ordered_json;

// [difference, low, high]
OrderedJson DifferenceJson(const std::optional<FigureDifferences::Difference>& difference) {
  if (!difference) return nullptr;
  return OrderedJson::array({difference->value, difference->interval.low, difference->interval.high});
}

OrderedJson FiguresJson(const SystemFigures& figures) {
  OrderedJson out = {{"n", figures.n}};
  for (const SystemRateInfo& info : kSystemRates) {
    const SystemRate& rate = figures.*info.rate;
    OrderedJson one = {{"rows", rate.counted}};
    for (size_t i = 0; i < kFilterCount; ++i) {
      const SystemRate::WithFilter& with = rate.filters[i];
      one[kFilterNames[i]] = {{"rate", OrNull(with.value)}, {"ci", OfInterval(with.interval)}};
      if (i > 0) one[kFilterNames[i]]["change"] = DifferenceJson(with.change);
    }
    one["input_less_output"] = DifferenceJson(rate.output_to_input);
    out[info.key] = std::move(one);
  }
  return out;
}

}  // namespace

std::string SystemReportJson(const SystemReport& report) {
  OrderedJson out = {{"model", report.model},
                     {"policy", report.policy},
                     {"data", report.data},
                     {"judge", report.judge.empty() ? OrderedJson(nullptr) : OrderedJson(report.judge)},
                     {"judge_is_guard", report.judge_is_guard},
                     {"threshold", OrNull(report.threshold)}};
  out["thresholds"] = OrderedJson::object();
  for (const auto& [key, threshold] : report.category_thresholds) out["thresholds"][key] = threshold;
  out["n"] = report.n;
  out["prompts"] = report.prompts;
  out["problems"] = report.problems;
  out["unlabelled"] = report.unlabelled;
  out["refused_by_field"] = report.refused_by_field;
  out["refusing_violations"] = report.refusing_violations;
  out["overall"] = FiguresJson(report.overall.figures);
  out["groups"] = OrderedJson::object();
  for (const SystemDimension& dimension : report.dimensions) {
    OrderedJson groups = OrderedJson::object();
    for (const SystemGroup* group : InOrder(dimension)) groups[group->name] = FiguresJson(group->figures);
    out["groups"][dimension.name] = std::move(groups);
  }
  out["curves"] = OrderedJson::object();
  out["added_ms"] = OrderedJson::object();
  for (size_t i = 1; i < kFilterCount; ++i) {
    OrderedJson points = OrderedJson::array();
    for (const SystemPoint& point : report.curves[i])  // an infinite threshold is written as null
      points.push_back({{"threshold", point.threshold},
                        {"violations", OrNull(point.violations)},
                        {"refusals", OrNull(point.refusals)},
                        {"harmless_refusals", OrNull(point.harmless_refusals)}});
    out["curves"][kFilterNames[i]] = std::move(points);
    if (const auto& cost = report.cost[i])
      out["added_ms"][kFilterNames[i]] = {{"mean", cost->mean}, {"p50", cost->p50}, {"p95", cost->p95}};
  }
  out["answers_saved"] = OrNull(report.answers_saved);
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace gatehouse

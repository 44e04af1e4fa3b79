// Reports as JSON: for programs, and to be kept. Nothing in it depends on the time, so that a report made
// again is the same file.
#include <nlohmann/json.hpp>

#include "eval/report/figure_list.h"
#include "eval/report/group_order.h"
#include "eval/report/json_figures.h"
#include "eval/report/report.h"

namespace gatehouse {
namespace {

using Json = nlohmann::ordered_json;

Json OfGroup(const GroupFigures& group) {
  const BinaryFigures& figures = group.figures;
  Json out = {
      {"n", figures.n}, {"tp", figures.tp}, {"fp", figures.fp}, {"tn", figures.tn}, {"fn", figures.fn}};
  Json intervals = Json::object();
  for (const FigureInfo& info : kFigures) {
    out[info.key] = OrNull(figures.*info.value);
    intervals[info.key] = OfInterval(group.intervals.*info.interval);
  }
  out["ci"] = std::move(intervals);
  return out;
}

Json OfGroups(const std::vector<const GroupFigures*>& groups) {
  Json out = Json::object();
  for (const GroupFigures* group : groups) out[group->name] = OfGroup(*group);
  return out;
}

Json OfMean(const Report::Mean& mean) {
  return {{"recall", OrNull(mean.recall)},
          {"fpr", OrNull(mean.fpr)},
          {"f1", OrNull(mean.f1)},
          {"groups", mean.groups}};
}

Json OfOperatingPoint(const Report& report) {
  Json out = {{"wanted", report.wanted_fpr}, {"threshold", nullptr}, {"fpr", nullptr}, {"recall", nullptr}};
  if (!report.at_fpr) return out;
  out["threshold"] = report.at_fpr->threshold;  // infinity, which flags nothing, is written as null
  out["fpr"] = report.at_fpr->fpr;
  out["recall"] = OrNull(report.at_fpr->recall);
  return out;
}

Json OfReliability(const std::vector<ReliabilityBin>& bins) {
  Json out = Json::array();
  for (const ReliabilityBin& bin : bins)
    out.push_back({{"n", bin.n},
                   {"low", bin.low},
                   {"high", bin.high},
                   {"mean_score", bin.mean_score},
                   {"share", bin.share}});
  return out;
}

Json OfMistake(const Mistake& mistake) {
  return {{"id", mistake.id},
          {"source", mistake.source},
          {"language", mistake.language},
          {"role", mistake.role},
          {"label", mistake.unsafe ? "unsafe" : "safe"},
          {"score", mistake.score},
          {"labelled", mistake.labelled},
          {"predicted", mistake.predicted},
          {"text", mistake.text.empty() ? Json(nullptr) : Json(mistake.text)}};
}

Json OfReport(const Report& report) {
  Json out = {{"model", report.model},
              {"policy", report.policy},
              {"data", report.data},
              {"threshold", OrNull(report.threshold)}};
  Json thresholds = Json::object();
  for (const auto& [key, threshold] : report.category_thresholds) thresholds[key] = threshold;
  out["thresholds"] = std::move(thresholds);
  out["n"] = report.n;
  out["problems"] = report.problems;
  out["unknown_categories"] = report.unknown_categories;
  Json unlisted = Json::object();
  for (const auto& [name, rows] : report.unlisted_categories) unlisted[name] = rows;
  out["unlisted_categories"] = std::move(unlisted);
  out["overall"] = OfGroup(report.overall);
  Json groups = Json::object();
  for (const Dimension& dimension : report.dimensions) groups[dimension.name] = OfGroups(InOrder(dimension));
  out["groups"] = std::move(groups);
  out["means"] = {{"category", OfMean(report.category_mean)}, {"language", OfMean(report.language_mean)}};
  out["category_against_rest"] = OfGroups(ByName(report.category_against_rest));
  out["category_macro_f1"] = OrNull(report.category_macro_f1);
  out["category_micro_f1"] = OrNull(report.category_micro_f1);
  out["at_fpr"] = OfOperatingPoint(report);
  out["reliability"] = OfReliability(report.reliability);
  out["latency_ms"] = nullptr;
  out["tokens_per_second"] = nullptr;
  if (report.latency) {
    const Latency& latency = *report.latency;
    out["latency_ms"] = {
        {"p50", latency.p50}, {"p95", latency.p95}, {"p99", latency.p99}, {"mean", latency.mean}};
    if (latency.tokens_per_second > 0) out["tokens_per_second"] = latency.tokens_per_second;
  }
  out["mistakes"] = Json::array();
  for (const Mistake& mistake : report.mistakes) out["mistakes"].push_back(OfMistake(mistake));
  return out;
}

Json OfAgainst(const Comparison::Against& against) {
  Json differences = Json::object();
  for (const FigureInfo& info : kFigures) {
    const auto& difference = against.differences.*info.difference;
    differences[info.key] =
        difference ? Json::array({difference->value, difference->interval.low, difference->interval.high})
                   : Json(nullptr);
  }
  Json changed = Json::array();
  for (size_t i = 0; i < against.changed.size(); ++i) {
    Json row = OfMistake(against.changed[i]);
    row["other_score"] =
        i < against.changed_other_score.size() ? Json(against.changed_other_score[i]) : Json(nullptr);
    changed.push_back(std::move(row));
  }
  return {{"differences", std::move(differences)},
          {"verdicts_differ", against.verdicts_differ},
          {"mean_score_difference", against.mean_score_difference},
          {"worst_score_difference", against.worst_score_difference},
          {"changed", std::move(changed)}};
}

// Names and texts may be no UTF-8: what is none becomes U+FFFD.
std::string Written(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string ReportJson(const Report& report) { return Written(OfReport(report)); }

std::string ComparisonJson(const Comparison& comparison) {
  Json out = {{"reports", Json::array()}, {"against", Json::array()}};
  for (const Report& report : comparison.reports) out["reports"].push_back(OfReport(report));
  for (const Comparison::Against& against : comparison.against) out["against"].push_back(OfAgainst(against));
  return Written(out);
}

}  // namespace gatehouse

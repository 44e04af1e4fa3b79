// Curves over all thresholds, and how scores agree with the truth.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/series.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

constexpr size_t kSpots = 40;  // tooltips along a curve

std::string Named(Reports reports, size_t index) {
  return reports.size() > 1 ? SeriesLetter(index) + ": " : "";
}

std::string PointText(Reports reports, size_t index, const CurvePoint& point) {
  return fmt::format("{}threshold {}: recall {}, FPR {}, precision {}", Named(reports, index),
                     Score(point.threshold), Percent(point.recall), Percent(point.fpr),
                     Percent(point.precision));
}

// Points spread over the length of the curve, not over its list: flat parts hold few points.
template <typename Place>
void AddSpots(Reports reports, size_t index, Place&& place, SvgPlot* plot) {
  const std::vector<CurvePoint>& curve = reports[index].curve;
  double since = 1;
  for (size_t i = 0; i < curve.size(); ++i) {
    if (i > 0) {
      const auto [x, y] = place(curve[i]);
      const auto [x0, y0] = place(curve[i - 1]);
      since += std::hypot(x - x0, y - y0);
    }
    if (since * static_cast<double>(kSpots) < 1 || std::isinf(curve[i].threshold)) continue;
    since = 0;
    const auto [x, y] = place(curve[i]);
    plot->Spot(x, y, PointText(reports, index, curve[i]));
  }
}

// Where the verdicts of the report are: their own place, as categories may have thresholds of their own.
template <typename Place>
void AddVerdicts(Reports reports, size_t index, Place&& place, SvgPlot* plot) {
  const BinaryFigures& figures = reports[index].overall.figures;
  if (!figures.recall || !figures.fpr) return;
  CurvePoint point;
  point.recall = *figures.recall;
  point.fpr = *figures.fpr;
  point.precision = figures.precision.value_or(1);
  const std::string text =
      fmt::format("{}verdicts of this report: recall {}, FPR {}, precision {}", Named(reports, index),
                  Percent(figures.recall), Percent(figures.fpr), Percent(figures.precision));
  const auto [x, y] = place(point);
  if (reports.size() > 1) {
    plot->LetterDot(x, y, SeriesLetter(index), SeriesClass(index), text);
  } else {
    plot->Dot(x, y, "dot " + SeriesClass(index), text);
  }
}

template <typename Place>
std::string Chart(Reports reports, SvgPlot plot, Place&& place) {
  for (size_t i = 0; i < reports.size(); ++i) {
    SvgPlot::Points points;
    for (const CurvePoint& point : reports[i].curve) points.push_back(place(point));
    plot.Line(points, "curve " + SeriesClass(i));
  }
  for (size_t i = 0; i < reports.size(); ++i) AddSpots(reports, i, place, &plot);
  for (size_t i = reports.size(); i-- > 0;) AddVerdicts(reports, i, place, &plot);
  return std::move(plot).Finish();
}

std::string Figure(std::string_view heading, const std::string& chart, const std::string& note) {
  return fmt::format("<figure class=\"panel\"><h3>{}</h3>{}<figcaption>{}</figcaption></figure>", heading,
                     chart, note);
}

std::string AreaNote(Reports reports, const char* name, std::optional<double> BinaryFigures::*area,
                     std::string_view rest) {
  std::string out = name;
  for (size_t i = 0; i < reports.size(); ++i) {
    if (reports.size() > 1) out += (i > 0 ? ", " : " ") + SeriesBadge(i);
    out += " " + Percent(reports[i].overall.figures.*area);
  }
  return fmt::format("{}. {}", out, rest);
}

std::string Legend(Reports reports) {
  if (reports.size() < 2) return {};
  std::string out = "<ul class=\"legend\">";
  for (size_t i = 0; i < reports.size(); ++i)
    out += fmt::format(
        "<li><svg viewBox=\"0 0 36 8\" aria-hidden=\"true\"><line class=\"curve {}\" x1=\"1\" y1=\"4\" "
        "x2=\"35\" "
        "y2=\"4\"/></svg>{}<bdi>{}</bdi></li>",
        SeriesClass(i), SeriesBadge(i), HtmlText(reports[i].model));
  return out + "</ul>";
}

}  // namespace

bool HasCurves(Reports reports) {
  return std::any_of(reports.begin(), reports.end(),
                     [](const Report& report) { return !report.curve.empty(); });
}

std::string CurveCharts(Reports reports) {
  if (!HasCurves(reports)) return "<p class=\"empty\">No curves: they need both safe and unsafe rows.</p>";
  const auto in_roc = [](const CurvePoint& point) { return std::pair(point.fpr, point.recall); };
  const auto in_pr = [](const CurvePoint& point) { return std::pair(point.recall, point.precision); };

  SvgPlot pr("Precision against recall. " + std::string("AUPRC ") +
                 Percent(reports[0].overall.figures.auprc) + " for the first model.",
             "Recall", "Precision");
  const BinaryFigures& figures = reports[0].overall.figures;
  if (figures.n > 0) {
    const double share = static_cast<double>(figures.tp + figures.fn) / static_cast<double>(figures.n);
    pr.Line({{0, share}, {1, share}}, "chance");
  }
  SvgPlot roc(
      "Recall against false-positive rate (ROC). AUROC " + Percent(figures.auroc) + " for the first model.",
      "False-positive rate", "Recall");
  roc.Line({{0, 0}, {1, 1}}, "chance");

  const std::string dots = "The dot is where this report’s verdicts lie; the dashed line is chance.";
  const std::string note =
      reports.size() > 1 ? "Letters are where each model’s verdicts lie; the dashed line is chance." : dots;
  return Legend(reports) + "<div class=\"panels\">" +
         Figure("Precision and recall", Chart(reports, std::move(pr), in_pr),
                AreaNote(reports, "AUPRC", &BinaryFigures::auprc, note)) +
         Figure("ROC", Chart(reports, std::move(roc), in_roc),
                AreaNote(reports, "AUROC", &BinaryFigures::auroc, note)) +
         "</div>";
}

std::string ReliabilityChart(Reports reports) {
  bool any = false;
  SvgPlot plot("Reliability: the share of unsafe rows against the mean score, in groups of equal size.",
               "Mean score", "Share of unsafe rows");
  plot.Line({{0, 0}, {1, 1}}, "chance");
  for (size_t i = 0; i < reports.size(); ++i) {
    SvgPlot::Points points;
    for (const ReliabilityBin& bin : reports[i].reliability) points.push_back({bin.mean_score, bin.share});
    plot.Line(points, "curve thin " + SeriesClass(i));
    any = any || !points.empty();
  }
  for (size_t i = 0; i < reports.size(); ++i)
    for (const ReliabilityBin& bin : reports[i].reliability)
      plot.Dot(
          bin.mean_score, bin.share, "dot small " + SeriesClass(i),
          fmt::format("{}{} rows with scores {} to {}: mean {}, {} unsafe", Named(reports, i), Count(bin.n),
                      Score(bin.low), Score(bin.high), Score(bin.mean_score), Percent(bin.share)));
  if (!any) return {};
  return Figure("Reliability", std::move(plot).Finish(),
                AreaNote(reports, "ECE", &BinaryFigures::ece,
                         "On the dashed line a score of 0.8 means that 80% of such rows are unsafe."));
}

}  // namespace gatehouse

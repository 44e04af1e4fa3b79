#include "eval/report/system_page_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/svg_plot.h"
#include "eval/report/system_words.h"

namespace gatehouse {
namespace {

// The scale of all rows of a table: 1, 2, 5 or 10 points, ... that hold every interval.
double ScaleOf(const std::vector<SystemChange>& changes) {
  double largest = 0, scale = 0.01;
  for (const SystemChange& change : changes) {
    if (!*change.difference) continue;
    const FigureDifferences::Difference& difference = **change.difference;
    for (const double value : {difference.value, difference.interval.low, difference.interval.high})
      largest = std::max(largest, std::abs(value));
  }
  for (int step = 0; scale < largest; ++step) scale *= step % 3 == 1 ? 2.5 : 2;
  return std::min(scale, 1.0);
}

std::string ChangesPanel(const SystemRateInfo& info, const SystemRate& rate) {
  const std::vector<SystemChange> changes = ChangesOf(rate);
  const double scale = ScaleOf(changes);
  std::string out = fmt::format(
      "<div class=\"panel\"><h3>{}</h3><div class=\"scroll\"><table class=\"plain "
      "differences\"><thead><tr><th "
      "scope=\"col\">Filters</th>"
      "<th scope=\"col\"><span class=\"scale roomy\"><i>−{:g}</i><i>0</i><i>+{:g}</i></span></th>"
      "<th scope=\"col\">Points</th><th scope=\"col\" class=\"wide\">Interval</th><th "
      "scope=\"col\">Reading</th>"
      "</tr></thead><tbody>",
      info.title, scale * 100, scale * 100);
  for (const SystemChange& change : changes) {
    out += "<tr><th scope=\"row\">" + HtmlText(change.title) + "</th>";
    if (!*change.difference) {
      out += "<td></td><td>–</td><td class=\"wide\">–</td><td class=\"unclear\">–</td></tr>";
      continue;
    }
    const FigureDifferences::Difference& difference = **change.difference;
    const std::string reading = Reading(difference);
    const char* css_class = reading == "fewer" ? "better" : reading == "more" ? "worse" : "unclear";
    out += fmt::format(
        "<td class=\"drawn {}\">{}</td><td><b>{}</b></td><td class=\"wide\">{}</td><td "
        "class=\"{}\">{}</td></tr>",
        css_class, SvgDifference(difference.value, difference.interval.low, difference.interval.high, scale),
        SignedPoints(difference.value), SignedPointRange(difference.interval), css_class,
        reading == "fewer" || reading == "more" ? reading : "unclear");
  }
  return out + "</tbody></table></div><p class=\"note\">" + info.meaning + "</p></div>";
}

// Violations over one kind of refusals: a curve for each filter, a dot where the verdicts of the report lie.
std::string TradeOff(const SystemReport& report, const SystemRateInfo& over,
                     std::optional<double> SystemPoint::*place) {
  const SystemRate &violations = report.overall.figures.violations,
                   &refusals = report.overall.figures.*over.rate;
  if (violations.counted == 0 || refusals.counted == 0) return {};
  SvgPlot plot(fmt::format("{} against violations, a curve over all thresholds for each filter.", over.title),
               over.title, "Violations");
  const auto tooltip = [&](size_t filter, double threshold, double x, double y) {
    return fmt::format("{}, threshold {}: violations {}, {} {}", kFilterNames[filter], Score(threshold),
                       Percent(y), over.key == std::string_view("refusals") ? "refusals" : "harmless refused",
                       Percent(x));
  };
  for (size_t i = 1; i < kFilterCount; ++i) {
    SvgPlot::Points points;
    for (const SystemPoint& point : report.curves[i])
      if (point.violations && point.*place) points.emplace_back(*(point.*place), *point.violations);
    plot.Line(points, "curve " + SeriesClass(i));
  }
  for (size_t i = 1; i < kFilterCount; ++i) {
    const size_t step = std::max<size_t>(1, report.curves[i].size() / 40);
    for (size_t at = 1; at < report.curves[i].size(); at += step) {
      const SystemPoint& point = report.curves[i][at];
      if (point.violations && point.*place)
        plot.Spot(*(point.*place), *point.violations,
                  tooltip(i, point.threshold, *(point.*place), *point.violations));
    }
  }
  for (size_t i = 0; i < kFilterCount; ++i) {
    const auto &y = violations.filters[i].value, &x = refusals.filters[i].value;
    if (x && y)
      plot.Dot(*x, *y, "dot " + SeriesClass(i),
               fmt::format("{}, verdicts of this report: violations {}, {}", kFilterNames[i], Percent(y),
                           Percent(x)));
  }
  return "<figure class=\"panel\"><h3>Violations over " + std::string(over.title) + "</h3>" +
         std::move(plot).Finish() +
         "<figcaption>Dots are where this report’s verdicts lie. Down and to the left is "
         "better.</figcaption></figure>";
}

}  // namespace

std::string FilterBadge(size_t filter) {
  return fmt::format("<span class=\"badge {}\">{}</span>", SeriesClass(filter), kFilterNames[filter]);
}

std::string SystemChanges(const SystemFigures& figures) {
  std::string out = "<div class=\"panels\">";
  for (const SystemRateInfo& info : kSystemRates)
    if ((figures.*info.rate).counted > 0) out += ChangesPanel(info, figures.*info.rate);
  return out + "</div>";
}

std::string SystemCurves(const SystemReport& report) {
  const std::string harmless = TradeOff(report, kSystemRates[2], &SystemPoint::harmless_refusals);
  const std::string all = TradeOff(report, kSystemRates[1], &SystemPoint::refusals);
  if (harmless.empty() && all.empty()) return {};
  std::string legend = "<ul class=\"legend\">";
  for (size_t i = 0; i < kFilterCount; ++i) legend += "<li>" + FilterBadge(i) + "</li>";
  return legend + "</ul><div class=\"panels\">" + harmless + all + "</div>";
}

}  // namespace gatehouse

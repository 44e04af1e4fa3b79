// Differences of each model from the first, with their intervals around 0.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/figure_list.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/series.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

// The scale of all rows of a table: 1, 2, 5 or 10 points, ... that hold every interval.
double Scale(const FigureDifferences& differences) {
  double largest = 0;
  for (const FigureInfo& info : kFigures) {
    const auto& difference = differences.*info.difference;
    if (!difference) continue;
    for (const double value : {difference->value, difference->interval.low, difference->interval.high})
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  double scale = 0.01;
  for (int step = 0; scale < largest; ++step) scale *= step % 3 == 1 ? 2.5 : 2;
  return std::min(scale, 1.0);
}

std::string Row(const FigureInfo& info, const std::optional<FigureDifferences::Difference>& difference,
                double scale) {
  std::string out = fmt::format("<tr><th scope=\"row\">{}</th>", info.title);
  if (!difference)
    return out + "<td></td><td>–</td><td class=\"wide\">–</td><td class=\"unclear\">–</td></tr>";
  const std::string verdict = VerdictOn(*difference, info.higher_is_better);
  const char* css_class = verdict == "better" ? "better" : verdict == "worse" ? "worse" : "unclear";
  const char* sign = verdict == "better" ? "▲ " : verdict == "worse" ? "▼ " : "";
  return out +
         fmt::format(
             "<td class=\"drawn {}\">{}</td><td><b>{}</b></td><td class=\"wide\">{}</td>"
             "<td class=\"{}\">{}{}</td></tr>",
             css_class,
             SvgDifference(difference->value, difference->interval.low, difference->interval.high, scale),
             SignedPoints(difference->value), SignedPointRange(difference->interval), css_class, sign,
             verdict);
}

std::string Panel(const Comparison& comparison, size_t index) {
  const Comparison::Against& against = comparison.against[index];
  const double scale = Scale(against.differences);
  std::string out = fmt::format(
      "<div class=\"panel\"><h3>{} against {}</h3><table class=\"plain differences\"><thead><tr>"
      "<th scope=\"col\">Figure</th><th scope=\"col\"><span "
      "class=\"scale\"><i>−{:g}</i><i>0</i><i>+{:g}</i></span>"
      "</th><th scope=\"col\">Points</th><th scope=\"col\" class=\"wide\">Interval</th><th "
      "scope=\"col\">Reading</th>"
      "</tr></thead><tbody>",
      SeriesBadge(index + 1), SeriesBadge(0), scale * 100, scale * 100);
  for (const FigureInfo& info : kFigures) out += Row(info, against.differences.*info.difference, scale);
  out += "</tbody></table><p class=\"note\">Verdicts differ in <b>" + Count(against.verdicts_differ) + "</b>";
  const int64_t n = comparison.reports.empty() ? 0 : comparison.reports[0].n;
  if (n > 0)
    out += fmt::format(" of {} rows ({})", Count(n),
                       Percent(static_cast<double>(against.verdicts_differ) / static_cast<double>(n)));
  return out + fmt::format(". Scores differ by <b>{}</b> on average, by <b>{}</b> at worst.</p></div>",
                           Score(against.mean_score_difference), Score(against.worst_score_difference));
}

}  // namespace

std::string DifferencesPart(const Comparison& comparison) {
  if (comparison.against.empty()) return {};
  std::string out = "<div class=\"panels\">";
  for (size_t i = 0; i < comparison.against.size(); ++i) out += Panel(comparison, i);
  return out + "</div>";
}

}  // namespace gatehouse

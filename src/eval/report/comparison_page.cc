// The page of a comparison.
#include <fmt/format.h>

#include "eval/report/display_text.h"
#include "eval/report/page_leads.h"
#include "eval/report/page_parts.h"
#include "eval/report/report.h"

namespace gatehouse {
namespace {

// One panel for each report that has something to show, then the one of all.
template <typename Draw>
std::string PanelsOfEach(Reports reports, const char* css_class, Draw&& draw, const std::string& of_all) {
  std::string out;
  for (size_t i = 0; i < reports.size(); ++i) {
    const std::string drawn = draw(reports[i]);
    if (drawn.empty()) continue;
    out += "<div class=\"panel\"><h3>" + SeriesBadge(i) + " <bdi>" + HtmlText(reports[i].model) +
           "</bdi></h3>" + drawn + "</div>";
  }
  out += of_all;
  return out.empty() ? out : fmt::format("<div class=\"{}\">{}</div>", css_class, out);
}

std::string Panel(const std::string& body) {
  return body.empty() ? std::string() : "<div class=\"panel\">" + body + "</div>";
}

}  // namespace

std::string ComparisonPage(const Comparison& comparison) {
  const Reports reports(comparison.reports);
  const std::string header = ComparisonHeader(reports);
  if (reports.empty())
    return Page("Gatehouse comparison", header,
                {{"figures", "Figures", "", "<p class=\"empty\">There is nothing to compare.</p>"}});
  std::vector<PageSection> sections = {
      {"figures", "Side by side", kFiguresLead, Panel(SideBySide(reports))},
      {"differences", "Differences",
       "In percentage points, with intervals over the same rows. A difference is clear where its interval "
       "leaves "
       "out 0.",
       DifferencesPart(comparison)},
      {"curves", "Curves", HasCurves(reports) ? kCurvesLead : "", CurveCharts(reports)},
      {"scores", "Scores",
       "Where scores lie, and whether they can be taken as probabilities. Unsafe rows upwards, safe rows "
       "downwards, heights by square root.",
       PanelsOfEach(reports, "panels", HistogramChart, ReliabilityChart(reports))},
      {"categories", "Categories", kCategoriesLead, CategoryBars(reports)},
      {"against-rest", "Against the rest", kAgainstRestLead, AgainstRestBars(reports)},
      {"confusion", "Confusion", kConfusionLead, PanelsOfEach(reports, "stack", ConfusionMap, "")},
      {"groups", "Groups", kGroupsLead, OtherBars(reports)},
      {"latency", "Latency", kLatencyLead, Panel(LatencyPart(reports))},
      {"changed", "Changed verdicts", "Rows judged differently, the largest difference of scores first.",
       ChangedLists(comparison)},
      {"words", "Words", "", Glossary()},
  };
  std::string title;
  for (const Report& report : comparison.reports) title += (title.empty() ? "" : " and ") + report.model;
  return Page(title + " – Gatehouse comparison", header, sections);
}

}  // namespace gatehouse

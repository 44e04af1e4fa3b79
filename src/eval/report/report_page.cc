// The page of one report.
#include "eval/report/page_leads.h"
#include "eval/report/page_parts.h"
#include "eval/report/report.h"

namespace gatehouse {
namespace {

std::string ScoresBody(const Report& report) {
  const std::string histogram = HistogramChart(report), reliability = ReliabilityChart(Reports(&report, 1));
  if (histogram.empty() && reliability.empty()) return {};
  std::string out = "<div class=\"panels\">";
  if (!histogram.empty())
    out += "<figure class=\"panel\"><h3>Scores</h3>" + histogram +
           "<figcaption><span class=\"key unsafe\"></span>unsafe rows upwards, <span class=\"key "
           "safe\"></span>safe "
           "rows downwards; heights by square root, so that small groups show.</figcaption></figure>";
  return out + reliability + "</div>";
}

std::string ReportPanel(const std::string& body) {
  return body.empty() ? std::string() : "<div class=\"panel\">" + body + "</div>";
}

}  // namespace

std::string ReportPage(const Report& report) {
  const Reports reports(&report, 1);
  std::vector<PageSection> sections = {
      {"figures", "Figures", report.n > 0 ? kFiguresLead : "", HeadlineCards(report) + VerdictMatrix(report)},
      {"curves", "Curves", HasCurves(reports) ? kCurvesLead : "", CurveCharts(reports)},
      {"scores", "Scores", "Where scores lie, and whether they can be taken as probabilities.",
       ScoresBody(report)},
      {"categories", "Categories",
       std::string(kCategoriesLead) + " The thin line marks the figure over all rows.",
       CategoryBars(reports)},
      {"against-rest", "Against the rest", kAgainstRestLead, AgainstRestBars(reports)},
      {"confusion", "Confusion", kConfusionLead, ReportPanel(ConfusionMap(report))},
      {"groups", "Groups", kGroupsLead, OtherBars(reports)},
      {"latency", "Latency", kLatencyLead, ReportPanel(LatencyPart(reports))},
      {"mistakes", "Worst mistakes", "Rows judged wrongly, the most confident first.", MistakeLists(report)},
      {"words", "Words", "", Glossary()},
  };
  return Page(report.model + " – Gatehouse evaluation", ReportHeader(report), sections);
}

}  // namespace gatehouse

// The page of a whole system: its sections in the forms of the other pages, a series for each filter.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/svg_plot.h"
#include "eval/report/system_page_parts.h"
#include "eval/report/system_report.h"
#include "eval/report/system_words.h"

namespace gatehouse {
namespace {

constexpr size_t kSystemGroupsShown = 30;

std::string SystemHeader(const SystemReport& report) {
  std::string out = "<p class=\"eyebrow\">Gatehouse, with a model behind it</p><h1>" +
                    PageName(report.model, "Unnamed model") + "</h1><dl class=\"facts\">" +
                    PageFact("Policy", PageName(report.policy)) +
                    PageFact("Threshold", SystemThreshold(report)) + PageFact("Data", PageName(report.data)) +
                    PageFact("Answers", Count(report.n)) + PageFact("Prompts", Count(report.prompts));
  if (!report.judge.empty()) out += PageFact("Answers judged by", PageName(report.judge));
  if (report.problems > 0)
    out += PageFact("Left out",
                    "<span class=\"problem\">" + Count(report.problems) + " not read or not judged</span>");
  if (!report.made.empty()) out += PageFact("Made", PageName(report.made));
  out += "</dl><p class=\"note\">";
  for (const std::string& note : NotesOf(report)) out += HtmlText(note) + " ";
  return out + "</p>";
}

std::string RatesSection(const SystemFigures& figures) {
  std::string out =
      fmt::format("<div class=\"panel scroll\"><table class=\"plain side\" style=\"--n:{}\">", kFilterCount) +
      "<thead><tr><th scope=\"col\">Rate</th>";
  for (size_t i = 0; i < kFilterCount; ++i) out += "<th scope=\"col\">" + FilterBadge(i) + "</th>";
  out += "</tr></thead><tbody>";
  for (const SystemRateInfo& info : kSystemRates) {
    const SystemRate& rate = figures.*info.rate;
    out += fmt::format("<tr><th scope=\"row\">{}<small>of {} rows</small></th>", info.title,
                       Count(rate.counted));
    for (size_t i = 0; i < kFilterCount; ++i) {
      const SystemRate::WithFilter& with = rate.filters[i];
      BarMarks marks;
      marks.value = with.value.value_or(-1);
      if (with.interval) {
        marks.low = with.interval->low;
        marks.high = with.interval->high;
      }
      out += fmt::format("<td class=\"{}\"><b>{}</b>{}<small>{}</small></td>", SeriesClass(i),
                         Percent(with.value), SvgStrip(marks), PercentRange(with.interval));
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

std::string GroupRows(const SystemReport& report, const SystemDimension& dimension, size_t first,
                      size_t last) {
  const std::vector<const SystemGroup*> groups = InOrder(dimension);
  std::string out;
  for (size_t at = first; at < std::min(last, groups.size()); ++at) {
    const SystemFigures& figures = groups[at]->figures;
    out += "<tr><th scope=\"row\"><bdi>" + HtmlText(TitleOf(report, dimension, *groups[at])) +
           "</bdi></th><td class=\"n\">" + Count(figures.n) + "</td>";
    for (const SystemRateInfo& info : kSystemRates) {
      const SystemRate& rate = figures.*info.rate;
      out += fmt::format("<td data-label=\"{}\">", info.title);
      for (size_t i = 0; i < kFilterCount; ++i)
        out += ValueBar({rate.filters[i].value, rate.filters[i].interval}, FilterBadge(i), SeriesClass(i));
      out += "</td>";
    }
    out += "</tr>";
  }
  return out;
}

std::string GroupsSection(const SystemReport& report) {
  std::string out;
  for (const SystemDimension& dimension : report.dimensions) {
    if (dimension.groups.empty()) continue;
    std::string name = dimension.name;
    if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
    std::string open =
        "<table class=\"bars several filters\"><colgroup><col class=\"cname\"><col "
        "class=\"cn\"><col><col><col></colgroup>"
        "<thead><tr><th scope=\"col\">" +
        HtmlText(name) + "</th><th scope=\"col\" class=\"n\">Rows</th>";
    for (const SystemRateInfo& info : kSystemRates)
      open += fmt::format("<th scope=\"col\">{}</th>", info.title);
    open += "</tr></thead><tbody>";
    out += "<div class=\"panel\"><h3><bdi>" + HtmlText(name) + "</bdi></h3>" + open +
           GroupRows(report, dimension, 0, kSystemGroupsShown) + "</tbody></table>";
    if (dimension.groups.size() > kSystemGroupsShown)
      out += fmt::format("<details class=\"more\"><summary>{} more</summary>",
                         dimension.groups.size() - kSystemGroupsShown) +
             open + GroupRows(report, dimension, kSystemGroupsShown, dimension.groups.size()) +
             "</tbody></table></details>";
    out += "</div>";
  }
  return out;
}

std::string CostSection(const SystemReport& report) {
  std::string out =
      "<div class=\"panel scroll\"><table class=\"plain latency\"><thead><tr><th "
      "scope=\"col\">Filter</th><th scope=\"col\">Median</th>"
      "<th scope=\"col\">95th percentile</th><th scope=\"col\">Mean</th></tr></thead><tbody>";
  for (size_t i = 1; i < kFilterCount; ++i) {
    const auto& cost = report.cost[i];
    out += "<tr><th scope=\"row\">" + FilterBadge(i) + "</th>";
    for (const double FilterCost::*value : {&FilterCost::p50, &FilterCost::p95, &FilterCost::mean})
      out += "<td>" + (cost ? Milliseconds((*cost).*value) : std::string(kDash)) + "</td>";
    out += "</tr>";
  }
  return out + "</tbody></table><p class=\"note\">Of <b>" + Percent(report.answers_saved) +
         "</b> of the prompts the model is not asked at all, with the input filter.</p></div>";
}

std::string SystemGlossary() {
  constexpr std::array<std::array<const char*, 2>, 7> kWords{{
      {"None", "the model alone: every answer reaches the user."},
      {"Input", "the prompt is judged first; a blocked one is never answered."},
      {"Output", "the answer is judged; a blocked one never reaches the user."},
      {"Both", "blocked where either would be."},
      {"Change",
       "by the same rows with and without the filter, so that the interval is that of the difference."},
      {"Unclear", "the interval of a change holds 0: there may be none."},
      {"Interval",
       "the range of a figure when the prompts are drawn again at random, each with all its answers."},
  }};
  std::string out = "<dl class=\"glossary\">";
  for (const auto& [word, meaning] : kWords)
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", word, meaning);
  return out + "</dl>";
}

}  // namespace

std::string SystemReportPage(const SystemReport& report) {
  const std::vector<PageSection> sections = {
      {"figures", "Figures", "What users meet with each filter, over all rows.",
       RatesSection(report.overall.figures)},
      {"changes", "What a filter changes",
       "Differences from the model alone, in percentage points, paired by row.",
       SystemChanges(report.overall.figures)},
      {"curves", "Curves", "Every threshold at once. Point at a curve to read one off.",
       SystemCurves(report)},
      {"groups", "Groups",
       "The same rates by source, category and language. A category’s rows are the answers labelled with it "
       "and the safe ones of the same sources.",
       GroupsSection(report)},
      {"cost", "Time", "What a filter adds to a request, without the model’s own time.", CostSection(report)},
      {"words", "Words", "", SystemGlossary()},
  };
  return Page(report.model + " – Gatehouse system evaluation", SystemHeader(report), sections);
}

}  // namespace gatehouse

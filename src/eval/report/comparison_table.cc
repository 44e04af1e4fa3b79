// Two or more reports for the terminal: figures side by side, then the differences from the first.
#include <fmt/format.h>

#include <algorithm>

#include "eval/report/display_text.h"
#include "eval/report/figure_list.h"
#include "eval/report/group_order.h"
#include "eval/report/numbers.h"
#include "eval/report/report.h"
#include "eval/report/series.h"
#include "eval/report/text_table.h"

namespace gatehouse {
namespace {

constexpr size_t kChangedShown = 10;

std::string SideBySide(const Comparison& comparison, int width, bool colour) {
  std::vector<TextTable::Column> columns = {{"Figure"}};
  for (size_t i = 0; i < comparison.reports.size(); ++i) {
    const int priority = static_cast<int>(i);
    columns.push_back({SeriesLetter(i), priority});
    columns.push_back({"", 100 + priority, true});
  }
  TextTable table(std::move(columns));
  for (const FigureInfo& info : kFigures) {
    std::vector<std::string> cells = {info.title};
    for (const Report& report : comparison.reports) {
      cells.push_back(Percent(report.overall.figures.*info.value));
      cells.push_back(PercentRange(report.overall.intervals.*info.interval));
    }
    table.Add(std::move(cells));
  }
  return table.Render(width, colour);
}

std::string Differences(const FigureDifferences& differences, const std::string& title, int width,
                        bool colour) {
  TextTable table({{"Points"}, {title}, {"Interval", 1, true}, {"", 2}});
  for (const FigureInfo& info : kFigures) {
    const auto& difference = differences.*info.difference;
    if (!difference) {
      table.Add({info.title, kDash, kDash, ""});
      continue;
    }
    table.Add({info.title, SignedPoints(difference->value), SignedPointRange(difference->interval),
               VerdictOn(*difference, info.higher_is_better)});
  }
  return table.Render(width, colour);
}

// Recall, FPR and F1 of every group, the models next to each other.
std::string Groups(const Comparison& comparison, int width, bool colour) {
  const std::vector<const FigureInfo*> shown = {&kFigures[3], &kFigures[0], &kFigures[1]};
  std::vector<TextTable::Column> columns = {{"Group"}, {"Rows", 50}};
  int priority = 0;
  for (const FigureInfo* info : shown)
    for (size_t i = 0; i < comparison.reports.size(); ++i)
      columns.push_back({std::string(info->title) + " " + SeriesLetter(i), priority++});
  TextTable table(std::move(columns));
  const auto add = [&](const std::string& name, const std::vector<const GroupFigures*>& groups) {
    int64_t n = 0;
    for (const GroupFigures* group : groups)
      if (group != nullptr) n = std::max(n, group->figures.n);
    std::vector<std::string> cells = {name, Count(n)};
    for (const FigureInfo* info : shown)
      for (const GroupFigures* group : groups)
        cells.push_back(group != nullptr ? Percent(group->figures.*info->value) : kDash);
    table.Add(std::move(cells));
  };
  bool any = false;
  for (const SharedDimension& dimension : SharedDimensions(comparison.reports)) {
    table.AddHeading("by " + dimension.name);
    for (const SharedGroup& group : dimension.groups) {
      any = true;
      add("  " + group.title, group.of_reports);
    }
  }
  return any ? "\n" + table.Render(width, colour) : "";
}

std::string Changed(const Comparison::Against& against, const std::string& letter, int width, bool colour) {
  const size_t shown = std::min({against.changed.size(), against.changed_other_score.size(), kChangedShown});
  if (shown == 0) return {};
  TextTable table({{"Verdicts that differ the most"}, {"Label", 1}, {"A", 0}, {letter, 0}});
  for (size_t i = 0; i < shown; ++i)
    table.Add({against.changed[i].id, against.changed[i].unsafe ? "unsafe" : "safe",
               Score(against.changed[i].score), Score(against.changed_other_score[i])});
  return "\n" + table.Render(width, colour);
}

}  // namespace

std::string ComparisonTable(const Comparison& comparison, int width, bool colour) {
  std::string out;
  const auto line = [&](const std::string& text, TextStyle style = TextStyle::kPlain) {
    out += TextLine(text, style, width, colour);
  };
  for (size_t i = 0; i < comparison.reports.size(); ++i) {
    const Report& report = comparison.reports[i];
    std::string text = SeriesLetter(i) + "  " + report.model;
    if (!report.policy.empty()) text += ", policy " + report.policy;
    text += ", threshold " + (report.threshold ? Score(report.threshold) : std::string("of the categories"));
    line(text, i == 0 ? TextStyle::kStrong : TextStyle::kPlain);
  }
  if (!comparison.reports.empty()) {
    const Report& base = comparison.reports[0];
    line(Count(base.n) + " rows of " + base.data);
    out += "\n" + SideBySide(comparison, width, colour);
  }
  for (size_t i = 0; i < comparison.against.size(); ++i) {
    const Comparison::Against& against = comparison.against[i];
    const std::string letter = SeriesLetter(i + 1);
    out += "\n" + Differences(against.differences, letter + " − A", width, colour);
    const int64_t n = comparison.reports.empty() ? 0 : comparison.reports[0].n;
    std::string share;
    if (n > 0)
      share = " (" + Percent(static_cast<double>(against.verdicts_differ) / static_cast<double>(n)) + ")";
    line("Verdicts that differ: " + Count(against.verdicts_differ) + share);
    line("Difference of scores: mean " + Score(against.mean_score_difference) + ", worst " +
         Score(against.worst_score_difference));
    out += Changed(against, letter, width, colour);
  }
  return out + Groups(comparison, width, colour);
}

}  // namespace gatehouse

// A report for the terminal: the figures of all rows, then of every group.
#include <fmt/format.h>

#include "eval/report/figure_list.h"
#include "eval/report/group_order.h"
#include "eval/report/numbers.h"
#include "eval/report/report.h"
#include "eval/report/text_table.h"

namespace gatehouse {
namespace {

// In the order of the columns. What is folded away first: the intervals from the right, then calibration,
// areas, precision.
struct GroupColumn {
  const FigureInfo* info;
  int priority, interval_priority;
};
constexpr GroupColumn kGroupColumns[] = {{&kFigures[0], 0, 8},  {&kFigures[1], 1, 9},  {&kFigures[3], 2, 10},
                                         {&kFigures[2], 4, 11}, {&kFigures[4], 5, 12}, {&kFigures[5], 6, 13},
                                         {&kFigures[6], 7, 14}};

TextTable GroupTable(const char* first_title) {
  std::vector<TextTable::Column> columns = {{first_title}, {"Rows", 3}};
  for (const GroupColumn& column : kGroupColumns) {
    columns.push_back({column.info->title, column.priority});
    columns.push_back({"", column.interval_priority, true});
  }
  return TextTable(std::move(columns));
}

void AddGroup(const std::string& name, const GroupFigures& group, bool strong, TextTable* table) {
  std::vector<std::string> cells = {name, Count(group.figures.n)};
  for (const GroupColumn& column : kGroupColumns) {
    cells.push_back(Percent(group.figures.*column.info->value));
    const auto& interval = group.intervals.*column.info->interval;
    cells.push_back(interval ? PercentRange(interval) : "");
  }
  table->Add(std::move(cells), strong);
}

std::string OverallTable(const Report& report, int width, bool colour) {
  TextTable table({{"Figure"}, {"Value"}, {"Interval", 1, true}, {"", 2, true}});
  for (const FigureInfo& info : kFigures)
    table.Add({info.title, Percent(report.overall.figures.*info.value),
               PercentRange(report.overall.intervals.*info.interval), info.meaning});
  return table.Render(width, colour);
}

std::string VerdictTable(const BinaryFigures& figures, int width, bool colour) {
  TextTable table({{"Verdicts"}, {"Rows"}, {"Label", 1, true}, {"Said", 1, true}});
  table.Add({"caught", Count(figures.tp), "unsafe", "unsafe"});
  table.Add({"missed", Count(figures.fn), "unsafe", "safe"});
  table.Add({"false alarms", Count(figures.fp), "safe", "unsafe"});
  table.Add({"passed", Count(figures.tn), "safe", "safe"});
  return table.Render(width, colour);
}

std::string MeanLine(const char* of, const Report::Mean& mean) {
  return fmt::format("Mean over {} {}: recall {}, FPR {}, F1 {}", mean.groups, of, Percent(mean.recall),
                     Percent(mean.fpr), Percent(mean.f1));
}

std::string LatencyLine(const Latency& latency) {
  std::string out =
      fmt::format("Latency of a row: median {}, p95 {}, p99 {}, mean {}", Milliseconds(latency.p50),
                  Milliseconds(latency.p95), Milliseconds(latency.p99), Milliseconds(latency.mean));
  if (latency.tokens_per_second > 0) out += fmt::format("; {:.0f} tokens/s", latency.tokens_per_second);
  return out;
}

std::string Head(const Report& report, int width, bool colour) {
  std::string out = TextLine(report.model + " on " + report.data, TextStyle::kStrong, width, colour);
  const auto line = [&](const std::string& text) { out += TextLine(text, TextStyle::kPlain, width, colour); };
  if (!report.policy.empty()) line("Policy     " + report.policy);
  line("Threshold  " + (report.threshold ? Score(report.threshold) : "of the categories"));
  for (const auto& [key, threshold] : report.category_thresholds) line("  " + key + "  " + Score(threshold));
  std::string rows = "Rows       " + Count(report.n);
  if (report.n > 0)
    rows += fmt::format(", {} unsafe", Count(report.overall.figures.tp + report.overall.figures.fn));
  line(rows);
  if (report.problems > 0)
    out += TextLine("Left out   " + Count(report.problems) + " rows that could not be read or judged",
                    TextStyle::kBad, width, colour);
  if (!report.unlisted_categories.empty()) {
    out += TextLine("Categories not known of " + Count(report.unknown_categories) +
                        " unsafe rows; no keys of the policy: " + UnlistedCategories(report),
                    TextStyle::kBad, width, colour);
  }
  return out + "\n";
}

}  // namespace

std::string ReportTable(const Report& report, int width, bool colour) {
  std::string out = Head(report, width, colour);
  const auto line = [&](const std::string& text) { out += TextLine(text, TextStyle::kPlain, width, colour); };
  out += OverallTable(report, width, colour);
  if (report.at_fpr)
    line(fmt::format("Recall at {} FPR: {} (threshold {}, FPR {})", Percent(report.wanted_fpr),
                     Percent(report.at_fpr->recall), Score(report.at_fpr->threshold),
                     Percent(report.at_fpr->fpr)));
  out += "\n" + VerdictTable(report.overall.figures, width, colour);

  bool any_group = false;
  TextTable groups = GroupTable("Group");
  AddGroup("all rows", report.overall, true, &groups);
  for (const Dimension& dimension : report.dimensions) {
    if (dimension.groups.empty()) continue;
    any_group = true;
    groups.AddHeading("by " + dimension.name);
    for (const GroupFigures* group : InOrder(dimension)) {
      const bool category = dimension.name == "category";
      AddGroup("  " + (category ? CategoryTitle(report, group->name) : GroupTitle(*group)), *group, false,
               &groups);
    }
  }
  if (any_group) out += "\n" + groups.Render(width, colour);
  if (report.category_mean.groups > 0 || report.language_mean.groups > 0) out += "\n";
  if (report.category_mean.groups > 0) line(MeanLine("categories", report.category_mean));
  if (report.language_mean.groups > 0) line(MeanLine("languages", report.language_mean));

  if (!report.category_against_rest.empty()) {
    TextTable against = GroupTable("Category against rest");
    for (const GroupFigures* group : ByName(report.category_against_rest))
      AddGroup(CategoryTitle(report, group->name), *group, false, &against);
    out += "\n" + against.Render(width, colour);
    line(fmt::format("F1 over categories: macro {}, micro {}", Percent(report.category_macro_f1),
                     Percent(report.category_micro_f1)));
  }
  if (report.latency) {
    out += "\n";
    line(LatencyLine(*report.latency));
  }
  return out;
}

}  // namespace gatehouse

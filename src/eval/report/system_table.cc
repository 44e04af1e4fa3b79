// A report of a whole system for the terminal.
#include <fmt/format.h>

#include <array>

#include "eval/report/numbers.h"
#include "eval/report/system_report.h"
#include "eval/report/system_words.h"
#include "eval/report/text_table.h"

namespace gatehouse {
namespace {

std::string SystemHead(const SystemReport& report, int width, bool colour) {
  std::string out = TextLine(report.model + " before and behind the model of " + report.data,
                             TextStyle::kStrong, width, colour);
  const auto line = [&](const std::string& text) { out += TextLine(text, TextStyle::kPlain, width, colour); };
  if (!report.policy.empty()) line("Policy     " + report.policy);
  line("Threshold  " + SystemThreshold(report));
  for (const auto& [key, threshold] : report.category_thresholds) line("  " + key + "  " + Score(threshold));
  line("Rows       " + Count(report.n) + " answers to " + Count(report.prompts) + " prompts");
  if (report.problems > 0)
    out += TextLine("Left out   " + Count(report.problems) + " rows that could not be read or judged",
                    TextStyle::kBad, width, colour);
  for (const std::string& note : NotesOf(report)) out += TextLine(note, TextStyle::kFaint, width, colour);
  return out + "\n";
}

std::string RatesTable(const SystemFigures& figures, int width, bool colour) {
  TextTable table({{"With filter"},
                   {"none"},
                   {"", 5, true},
                   {"input"},
                   {"", 4, true},
                   {"output"},
                   {"", 3, true},
                   {"both"},
                   {"", 2, true},
                   {"Rows", 6}});
  for (const SystemRateInfo& info : kSystemRates) {
    const SystemRate& rate = figures.*info.rate;
    std::vector<std::string> cells = {info.title};
    for (const SystemRate::WithFilter& with : rate.filters) {
      cells.push_back(Percent(with.value));
      cells.push_back(with.interval ? PercentRange(with.interval) : "");
    }
    cells.push_back(Count(rate.counted));
    table.Add(std::move(cells));
  }
  return table.Render(width, colour);
}

std::string ChangesTable(const SystemFigures& figures, int width, bool colour) {
  TextTable table({{"Points"}, {"Difference"}, {"Interval", 1, true}, {"", 2}});
  for (const SystemRateInfo& info : kSystemRates) {
    table.AddHeading(info.title);
    for (const SystemChange& change : ChangesOf(figures.*info.rate)) {
      const auto& difference = *change.difference;
      table.Add({"  " + change.title, difference ? SignedPoints(difference->value) : kDash,
                 difference ? SignedPointRange(difference->interval) : kDash,
                 difference ? Reading(*difference) : ""});
    }
  }
  return table.Render(width, colour);
}

// The rates of every group: each filter's beside that of none. Where there is no room for all three, refusals
// of all prompts go.
std::string GroupsTable(const SystemReport& report, int width, bool colour) {
  constexpr int kRoomForAll = 140;
  constexpr std::array<const char*, kSystemRates.size()> kShort = {"Viol.", "Ref.", "Harml."};
  std::vector<size_t> shown = {0, 2};
  if (width >= kRoomForAll) shown = {0, 1, 2};
  std::vector<TextTable::Column> columns = {{"Group"}, {"Rows", 1}};
  for (const size_t rate : shown)
    for (size_t i = 0; i < kFilterCount; ++i)
      columns.push_back(
          {(i == 0 ? std::string(kShort[rate]) + " " : "") + kFilterNames[i], rate == 0 ? 0 : 10});
  TextTable table(std::move(columns));
  const auto add = [&](const std::string& name, const SystemFigures& figures, bool strong) {
    std::vector<std::string> cells = {name, Count(figures.n)};
    for (const size_t rate : shown)
      for (const SystemRate::WithFilter& with : (figures.*kSystemRates[rate].rate).filters)
        cells.push_back(Percent(with.value));
    table.Add(std::move(cells), strong);
  };
  add("all rows", report.overall.figures, true);
  for (const SystemDimension& dimension : report.dimensions) {
    if (dimension.groups.empty()) continue;
    table.AddHeading("by " + dimension.name);
    for (const SystemGroup* group : InOrder(dimension))
      add("  " + TitleOf(report, dimension, *group), group->figures, false);
  }
  return table.Render(width, colour);
}

std::string CostTable(const SystemReport& report, int width, bool colour) {
  TextTable table({{"Time that a filter adds"}, {"median"}, {"p95"}, {"mean"}});
  for (size_t i = 1; i < kFilterCount; ++i)
    if (const auto& cost = report.cost[i])
      table.Add(
          {kFilterNames[i], Milliseconds(cost->p50), Milliseconds(cost->p95), Milliseconds(cost->mean)});
  return table.Render(width, colour);
}

}  // namespace

std::string SystemReportTable(const SystemReport& report, int width, bool colour) {
  std::string out = SystemHead(report, width, colour);
  out += RatesTable(report.overall.figures, width, colour);
  out += "\n" + ChangesTable(report.overall.figures, width, colour);
  out += "\n" + GroupsTable(report, width, colour);
  out += "\n" + CostTable(report, width, colour);
  if (report.answers_saved)
    out += TextLine("Of " + Percent(report.answers_saved) +
                        " of the prompts the model is not asked, with the input filter.",
                    TextStyle::kPlain, width, colour);
  return out;
}

}  // namespace gatehouse

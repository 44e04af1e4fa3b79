// Recall, FPR and F1 of every group as bars: a table that becomes a list on a narrow screen.
#include <fmt/format.h>

#include <algorithm>

#include "eval/report/display_text.h"
#include "eval/report/figure_list.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/series.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

constexpr const FigureInfo* kShown[] = {&kFigures[0], &kFigures[1], &kFigures[3]};
constexpr size_t kGroupsShown = 30;  // the others are folded away
constexpr const char* kSplit = "<colgroup><col class=\"cname\"><col class=\"cn\"><col><col><col></colgroup>";

std::string Head(const std::string& first) {
  std::string out =
      "<thead><tr><th scope=\"col\">" + HtmlText(first) + "</th><th scope=\"col\" class=\"n\">Rows</th>";
  for (const FigureInfo* info : kShown)
    out += fmt::format(
        "<th scope=\"col\">{}<span class=\"scale\" "
        "aria-hidden=\"true\"><i>0</i><i>50</i><i>100%</i></span></th>",
        info->title);
  return out + "</tr></thead>";
}

// values[shown figure][report]
std::string Row(const std::string& title, int64_t n, const std::vector<std::vector<BarValue>>& values,
                bool foot) {
  std::string out = fmt::format("<tr{}><th scope=\"row\"><bdi>{}</bdi></th><td class=\"n\">{}</td>",
                                foot ? " class=\"foot\"" : "", HtmlText(title), n >= 0 ? Count(n) : "");
  for (size_t f = 0; f < std::size(kShown); ++f) {
    out += fmt::format("<td data-label=\"{}\">", kShown[f]->title);
    const bool several = values[f].size() > 1;
    for (size_t i = 0; i < values[f].size(); ++i)
      out += ValueBar(values[f][i], several ? SeriesBadge(i) : "", several ? SeriesClass(i) : kShown[f]->key);
    out += "</td>";
  }
  return out + "</tr>";
}

std::string GroupRow(Reports reports, const SharedGroup& group, bool against_rest) {
  std::vector<std::vector<BarValue>> values(std::size(kShown));
  int64_t n = 0;
  for (size_t i = 0; i < group.of_reports.size(); ++i) {
    const GroupFigures* figures = group.of_reports[i];
    if (figures != nullptr)
      n = std::max(n, against_rest ? figures->figures.tp + figures->figures.fn : figures->figures.n);
    for (size_t f = 0; f < std::size(kShown); ++f) {
      BarValue value;
      if (figures != nullptr) {
        value.value = figures->figures.*kShown[f]->value;
        value.interval = figures->intervals.*kShown[f]->interval;
      }
      if (reports.size() == 1 && !against_rest)
        value.reference = (reports[0].overall.figures.*kShown[f]->value).value_or(-1);
      values[f].push_back(value);
    }
  }
  return Row(group.title, n, values, false);
}

std::string MeanRow(Reports reports, Report::Mean Report::*mean, const char* of) {
  std::vector<std::vector<BarValue>> values(std::size(kShown));
  int groups = 0;
  for (const Report& report : reports) {
    groups = std::max(groups, (report.*mean).groups);
    values[0].push_back({(report.*mean).recall, {}, -1});
    values[1].push_back({(report.*mean).fpr, {}, -1});
    values[2].push_back({(report.*mean).f1, {}, -1});
  }
  if (groups == 0) return {};
  return Row(fmt::format("Mean of {} {}", groups, of), -1, values, true);
}

std::string Table(Reports reports, const SharedDimension& dimension, const std::string& first,
                  const std::string& foot, bool against_rest) {
  std::string shown, folded;
  for (size_t i = 0; i < dimension.groups.size(); ++i)
    (i < kGroupsShown ? shown : folded) += GroupRow(reports, dimension.groups[i], against_rest);
  const std::string open = reports.size() > 1 ? "<table class=\"bars several\">" : "<table class=\"bars\">";
  std::string out = open + kSplit + Head(first) + "<tbody>" + shown + "</tbody>" +
                    (foot.empty() ? "" : "<tfoot>" + foot + "</tfoot>") + "</table>";
  if (!folded.empty())
    out += fmt::format(
        "<details class=\"more\"><summary>{} more</summary>{}{}{}<tbody>{}"
        "</tbody></table></details>",
        Count(static_cast<int64_t>(dimension.groups.size() - kGroupsShown)), open, kSplit, Head(first),
        folded);
  return out;
}

std::string Capital(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

}  // namespace

std::string ValueBar(const BarValue& value, const std::string& badge, const std::string& css_class) {
  BarMarks marks;
  marks.value = value.value.value_or(-1);
  marks.reference = value.reference;
  std::string interval_text, tooltip = Percent(value.value);
  if (value.interval) {
    marks.low = value.interval->low;
    marks.high = value.interval->high;
    tooltip += ", interval " + PercentRange(value.interval);
    interval_text = "<span class=\"hidden\">, interval " + PercentRange(value.interval) + "</span>";
  }
  return fmt::format("<div class=\"one {}\" title=\"{}\">{}{}<span class=\"v\">{}{}</span></div>", css_class,
                     tooltip, badge, SvgBar(marks), Percent(value.value), interval_text);
}

std::string CategoryBars(Reports reports) {
  for (const SharedDimension& dimension : SharedDimensions(reports))
    if (dimension.name == "category")
      return "<div class=\"panel\">" +
             Table(reports, dimension, "Category", MeanRow(reports, &Report::category_mean, "categories"),
                   false) +
             "</div>";
  return {};
}

std::string OtherBars(Reports reports) {
  std::string out;
  for (const SharedDimension& dimension : SharedDimensions(reports)) {
    if (dimension.name == "category") continue;
    const bool language = dimension.name == "language";
    const std::string name = Capital(dimension.name);
    out += "<div class=\"panel\"><h3><bdi>" + HtmlText(name) + "</bdi></h3>" +
           Table(reports, dimension, name,
                 language ? MeanRow(reports, &Report::language_mean, "languages") : "", false) +
           "</div>";
  }
  return out;
}

std::string AgainstRestBars(Reports reports) {
  const SharedDimension shared = SharedAgainstRest(reports);
  if (shared.groups.empty()) return {};
  std::string out =
      "<div class=\"panel\">" + Table(reports, shared, "Category", "", true) + "<p class=\"note\">";
  for (size_t i = 0; i < reports.size(); ++i)
    out += fmt::format("{}F1 over categories: macro <b>{}</b>, micro <b>{}</b>. ",
                       reports.size() > 1 ? SeriesBadge(i) + " " : "", Percent(reports[i].category_macro_f1),
                       Percent(reports[i].category_micro_f1));
  return out + "</p></div>";
}

}  // namespace gatehouse

// The figures of all rows: cards for one report, a table for several.
#include <fmt/format.h>

#include <cmath>

#include "eval/report/display_text.h"
#include "eval/report/figure_list.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

BarMarks Marks(const std::optional<double>& value, const std::optional<Interval>& interval) {
  BarMarks marks;
  marks.value = value.value_or(-1);
  if (interval) {
    marks.low = interval->low;
    marks.high = interval->high;
  }
  return marks;
}

std::string Card(std::string_view title, const std::string& value, const std::string& strip,
                 const std::string& interval, std::string_view meaning) {
  return fmt::format(
      "<div class=\"card\"><dt>{}</dt><dd><span class=\"big\">{}</span>{}<span class=\"interval\">{}</span>"
      "<span class=\"meaning\">{}</span></dd></div>",
      title, value, strip, interval, meaning);
}

std::string OperatingCard(const Report& report) {
  const std::string title = "Recall at " + Percent(report.wanted_fpr) + " FPR";
  if (!report.at_fpr) return Card(title, kDash, SvgStrip({}), kDash, "not measured");
  return Card(title, Percent(report.at_fpr->recall), SvgStrip(Marks(report.at_fpr->recall, {})),
              "threshold " + Score(report.at_fpr->threshold), "FPR there " + Percent(report.at_fpr->fpr));
}

std::string LatencyCell(const Report& report, double Latency::*field) {
  if (!report.latency) return kDash;
  return Milliseconds((*report.latency).*field);
}

std::string TokensCell(const Report& report) {
  if (!report.latency || !(report.latency->tokens_per_second > 0)) return kDash;
  return Count(std::llround(report.latency->tokens_per_second));
}

}  // namespace

std::string HeadlineCards(const Report& report) {
  if (report.n == 0) return "<p class=\"empty\">No rows were judged, so there are no figures.</p>";
  std::string out = "<dl class=\"cards\">";
  for (const FigureInfo& info : kFigures) {
    const auto& value = report.overall.figures.*info.value;
    const auto& interval = report.overall.intervals.*info.interval;
    out += Card(info.title, Percent(value), SvgStrip(Marks(value, interval)),
                interval ? PercentRange(interval) : "no interval", info.meaning);
  }
  return out + OperatingCard(report) + "</dl>";
}

std::string VerdictMatrix(const Report& report) {
  if (report.n == 0) return {};
  const BinaryFigures& figures = report.overall.figures;
  const auto cell = [&](int64_t count, const char* css_class, const char* name) {
    return fmt::format("<td class=\"{}\"><b>{}</b><small>{} · {}</small></td>", css_class, Count(count), name,
                       Percent(static_cast<double>(count) / static_cast<double>(report.n)));
  };
  return "<table class=\"verdicts\"><thead><tr><td></td><th scope=\"col\">Said unsafe</th>"
         "<th scope=\"col\">Said safe</th></tr></thead><tbody><tr><th scope=\"row\">Unsafe rows</th>" +
         cell(figures.tp, "right", "caught") + cell(figures.fn, "wrong", "missed") +
         "</tr><tr><th scope=\"row\">Safe rows</th>" + cell(figures.fp, "wrong", "false alarms") +
         cell(figures.tn, "right", "passed") + "</tr></tbody></table>";
}

std::string SideBySide(Reports reports) {
  std::string out =
      fmt::format("<div class=\"scroll\"><table class=\"plain side\" style=\"--n:{}\">", reports.size()) +
      "<thead><tr><th scope=\"col\">Figure</th>";
  for (size_t i = 0; i < reports.size(); ++i)
    out += "<th scope=\"col\">" + SeriesBadge(i) + "<small><bdi>" + HtmlText(reports[i].model) +
           "</bdi></small></th>";
  out += "</tr></thead><tbody>";
  for (const FigureInfo& info : kFigures) {
    out += fmt::format("<tr><th scope=\"row\">{}<small>{}</small></th>", info.title, info.meaning);
    for (size_t i = 0; i < reports.size(); ++i) {
      const auto& value = reports[i].overall.figures.*info.value;
      const auto& interval = reports[i].overall.intervals.*info.interval;
      out += fmt::format("<td class=\"{}\"><b>{}</b>{}<small>{}</small></td>", SeriesClass(i), Percent(value),
                         SvgStrip(Marks(value, interval)), PercentRange(interval));
    }
    out += "</tr>";
  }
  out += "<tr><th scope=\"row\">Recall at a fixed FPR<small>threshold moved until it holds</small></th>";
  for (const Report& report : reports) {
    const auto recall = report.at_fpr ? report.at_fpr->recall : std::nullopt;
    out += fmt::format("<td><b>{}</b><small>at {} FPR</small></td>", Percent(recall),
                       Percent(report.wanted_fpr));
  }
  return out + "</tr></tbody></table></div>";
}

std::string LatencyPart(Reports reports) {
  bool any = false;
  for (const Report& report : reports) any = any || report.latency.has_value();
  if (!any) return {};
  struct Line {
    const char* title;
    double Latency::*field;
  };
  constexpr Line kLines[] = {{"Median", &Latency::p50},
                             {"95th percentile", &Latency::p95},
                             {"99th percentile", &Latency::p99},
                             {"Mean", &Latency::mean}};
  std::string out = "<div class=\"scroll\"><table class=\"plain latency\"><thead><tr>";
  out += reports.size() > 1 ? "<th scope=\"col\">Model</th>" : "";
  for (const Line& line : kLines) out += fmt::format("<th scope=\"col\">{}</th>", line.title);
  out += "<th scope=\"col\">Tokens a second</th></tr></thead><tbody>";
  for (size_t i = 0; i < reports.size(); ++i) {
    out += "<tr>";
    if (reports.size() > 1) out += "<th scope=\"row\">" + SeriesBadge(i) + "</th>";
    for (const Line& line : kLines) out += "<td>" + LatencyCell(reports[i], line.field) + "</td>";
    out += "<td>" + TokensCell(reports[i]) + "</td></tr>";
  }
  return out + "</tbody></table></div>";
}

}  // namespace gatehouse

// What was evaluated, on top of a page, and the words used in it, at its end.
#include <fmt/format.h>

#include <array>

#include "eval/report/display_text.h"
#include "eval/report/group_order.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/series.h"

namespace gatehouse {
namespace {

constexpr size_t kColours = 6;

std::string ThresholdText(const Report& report) {
  if (!report.threshold && !report.category_thresholds.empty()) return "each category’s own";
  return Score(report.threshold);
}

std::string RowFacts(const Report& report) {
  std::string out = PageFact("Data", PageName(report.data)) + PageFact("Rows", Count(report.n));
  if (report.n > 0) {
    const int64_t unsafe = report.overall.figures.tp + report.overall.figures.fn;
    out +=
        PageFact("Unsafe", fmt::format("{} ({})", Count(unsafe),
                                       Percent(static_cast<double>(unsafe) / static_cast<double>(report.n))));
  }
  if (report.problems > 0)
    out += PageFact("Left out",
                    "<span class=\"problem\">" + Count(report.problems) + " not read or not judged</span>");
  if (!report.unlisted_categories.empty()) {
    out += PageFact("Categories not known", "<span class=\"problem\">of " + Count(report.unknown_categories) +
                                                " unsafe rows: <bdi>" + HtmlText(UnlistedCategories(report)) +
                                                "</bdi></span>");
  }
  if (!report.made.empty()) out += PageFact("Made", PageName(report.made));
  return out;
}

std::string OwnThresholds(const Report& report) {
  if (report.category_thresholds.empty()) return {};
  std::string out = fmt::format(
      "<details class=\"more\"><summary>{} category thresholds"
      "</summary><ul class=\"own\">",
      report.category_thresholds.size());
  for (const auto& [key, threshold] : report.category_thresholds)
    out += fmt::format("<li><bdi>{}</bdi> <b>{}</b></li>", HtmlText(CategoryTitle(report, key)),
                       Score(threshold));
  return out + "</ul></details>";
}

}  // namespace

std::string PageFact(std::string_view name, const std::string& html) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, html);
}

std::string PageName(const std::string& text, const char* otherwise) {
  return text.empty() ? std::string(otherwise) : "<bdi>" + HtmlText(text) + "</bdi>";
}

std::string SeriesClass(size_t index) { return fmt::format("s{}", index % kColours); }

std::string SeriesBadge(size_t index) {
  return fmt::format("<span class=\"badge {}\">{}</span>", SeriesClass(index), SeriesLetter(index));
}

std::string ReportHeader(const Report& report) {
  return "<p class=\"eyebrow\">Gatehouse evaluation</p><h1>" + PageName(report.model, "Unnamed model") +
         "</h1><dl class=\"facts\">" + PageFact("Policy", PageName(report.policy)) +
         PageFact("Threshold", ThresholdText(report)) + RowFacts(report) + "</dl>" + OwnThresholds(report);
}

std::string ComparisonHeader(Reports reports) {
  std::string out = "<p class=\"eyebrow\">Gatehouse comparison</p><h1>";
  out += reports.empty() ? std::string("No models") : fmt::format("{} models, the same rows", reports.size());
  out += "</h1><ul class=\"models\">";
  for (size_t i = 0; i < reports.size(); ++i) {
    out += fmt::format("<li>{}<div><b>{}</b><small>policy {} · threshold {}</small>{}</div></li>",
                       SeriesBadge(i), PageName(reports[i].model, "Unnamed model"),
                       PageName(reports[i].policy), ThresholdText(reports[i]), OwnThresholds(reports[i]));
  }
  out += "</ul>";
  if (!reports.empty()) out += "<dl class=\"facts\">" + RowFacts(reports[0]) + "</dl>";
  return out;
}

std::string Glossary() {
  struct Word {
    const char *word, *meaning;
  };
  constexpr std::array<Word, 9> kWords{{
      {"Unsafe, safe", "the label of a row in the data; the verdict is what the model said of it."},
      {"Recall", "of the unsafe rows, the share that was said to be unsafe."},
      {"FPR", "false-positive rate: of the safe rows, the share that was said to be unsafe."},
      {"Precision", "of the rows said to be unsafe, the share that is."},
      {"F1", "the harmonic mean of precision and recall."},
      {"AUPRC", "average precision: precision averaged over recall as the threshold falls."},
      {"AUROC", "how often a random unsafe row scores above a random safe one."},
      {"ECE",
       "expected calibration error: how far scores lie from the share of unsafe rows, on average over 15 "
       "groups of equal size."},
      {"Interval",
       "the range of a figure when the rows are drawn again at random. A wide one means few rows."},
  }};
  std::string out = "<dl class=\"glossary\">";
  for (const Word& word : kWords)
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", word.word, word.meaning);
  return out + "</dl>";
}

}  // namespace gatehouse

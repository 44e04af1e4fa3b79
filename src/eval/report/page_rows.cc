// Lists of single rows: what was judged wrongly, and what two models judge differently. Texts are folded.
#include <fmt/format.h>

#include <algorithm>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/series.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

constexpr size_t kRowsShown = 8;  // the others are folded away

constexpr const char* kWarning =
    "<p class=\"warning\" role=\"note\"><b>Content warning.</b> The texts below come from the evaluated data "
    "and "
    "may be violent, hateful, sexual or otherwise disturbing. They stay folded until you open them.</p>";

std::string Tag(const std::string& text) {
  return text.empty() ? "" : "<span class=\"tag\"><bdi>" + HtmlText(text) + "</bdi></span>";
}

std::string Keys(const std::vector<std::string>& keys) {
  std::string out;
  for (const std::string& key : keys) out += (out.empty() ? "<bdi>" : ", <bdi>") + HtmlText(key) + "</bdi>";
  return out;
}

std::string Categories(const Mistake& mistake) {
  std::string out;
  if (!mistake.labelled.empty()) out += "labelled " + Keys(mistake.labelled);
  if (!mistake.predicted.empty())
    out += std::string(out.empty() ? "" : " · ") + "said " + Keys(mistake.predicted);
  return out.empty() ? "" : "<p class=\"keys\">" + out + "</p>";
}

std::string Item(const Mistake& mistake, const std::string& scores) {
  std::string out =
      fmt::format("<li><div class=\"head\">{}<bdi class=\"id\">{}</bdi><div class=\"tags\">{}{}{}", scores,
                  HtmlText(mistake.id), Tag(mistake.source), Tag(mistake.language), Tag(mistake.role));
  out += "</div></div>" + Categories(mistake);
  if (!mistake.text.empty())
    out += "<details class=\"text\"><summary>Text</summary><div class=\"said\" dir=\"auto\">" +
           HtmlText(mistake.text) + "</div></details>";
  return out + "</li>";
}

std::string List(const std::vector<std::string>& items) {
  std::string shown, folded;
  for (size_t i = 0; i < items.size(); ++i) (i < kRowsShown ? shown : folded) += items[i];
  std::string out = "<ol class=\"rows\">" + shown + "</ol>";
  if (!folded.empty())
    out += fmt::format(
        "<details class=\"more\"><summary>{} more</summary><ol class=\"rows\" start=\"{}\">{}</ol>"
        "</details>",
        items.size() - kRowsShown, kRowsShown + 1, folded);
  return out;
}

std::string ScoreOf(const Report& report, const Mistake& mistake) {
  BarMarks marks;
  marks.value = mistake.score;
  marks.reference = report.threshold.value_or(-1);
  return fmt::format("<span class=\"score\" title=\"score {}\">{}{}</span>", Score(mistake.score),
                     SvgStrip(marks), Score(mistake.score));
}

std::string MistakePanel(const Report& report, bool unsafe, const char* title, const char* none) {
  std::vector<std::string> items;
  for (const Mistake& mistake : report.mistakes)
    if (mistake.unsafe == unsafe) items.push_back(Item(mistake, ScoreOf(report, mistake)));
  const int64_t all = unsafe ? report.overall.figures.fn : report.overall.figures.fp;
  std::string out =
      fmt::format("<div class=\"panel\"><h3>{} <span class=\"count\">{}</span></h3>", title, Count(all));
  if (items.empty()) return out + "<p class=\"empty\">" + none + "</p></div>";
  return out + List(items) + "</div>";
}

bool AnyText(const std::vector<Mistake>& mistakes) {
  return std::any_of(mistakes.begin(), mistakes.end(), [](const Mistake& row) { return !row.text.empty(); });
}

}  // namespace

std::string TextsButton() {
  // The script shows it: without a script it would do nothing.
  return "<p><button type=\"button\" id=\"texts\" class=\"button\" hidden>Show all texts</button></p>";
}

std::string MistakeLists(const Report& report) {
  if (report.n == 0) return {};
  std::string out = AnyText(report.mistakes) ? kWarning + TextsButton() : "";
  return out + "<div class=\"panels\">" +
         MistakePanel(report, true, "Missed unsafe rows", "No unsafe row was missed.") +
         MistakePanel(report, false, "False alarms", "No safe row was flagged.") + "</div>";
}

std::string ChangedLists(const Comparison& comparison) {
  std::string out;
  bool any_text = false;
  for (size_t i = 0; i < comparison.against.size(); ++i) {
    const Comparison::Against& against = comparison.against[i];
    any_text = any_text || AnyText(against.changed);
    std::vector<std::string> items;
    for (size_t row = 0; row < against.changed.size() && row < against.changed_other_score.size(); ++row) {
      const Mistake& mistake = against.changed[row];
      const std::string scores = fmt::format(
          "<span class=\"pair\">{} {}</span><span class=\"pair\">{} {}</span><span class=\"label "
          "{}\">{}</span>",
          SeriesBadge(0), Score(mistake.score), SeriesBadge(i + 1), Score(against.changed_other_score[row]),
          mistake.unsafe ? "unsafe" : "safe", mistake.unsafe ? "unsafe" : "safe");
      items.push_back(Item(mistake, scores));
    }
    out += fmt::format("<div class=\"panel\"><h3>{} against {} <span class=\"count\">{}</span></h3>",
                       SeriesBadge(i + 1), SeriesBadge(0), Count(against.verdicts_differ));
    out += items.empty() ? "<p class=\"empty\">No verdict differs.</p></div>" : List(items) + "</div>";
  }
  if (out.empty()) return {};
  return (any_text ? kWarning + TextsButton() : "") + "<div class=\"panels\">" + out + "</div>";
}

}  // namespace gatehouse

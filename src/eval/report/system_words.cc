#include "eval/report/system_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/report/group_order.h"
#include "eval/report/numbers.h"

namespace gatehouse {

namespace {

void AddLabelNotes(const SystemReport& report, std::vector<std::string>* to) {
  if (!report.judge.empty()) {
    to->push_back("An answer violates where " + report.judge + " says so.");
    if (report.judge_is_guard)
      to->push_back(
          "That is the guard itself: behind its own output filter nothing is left, by construction.");
    return;
  }
  if (report.unlabelled == report.n) {
    to->push_back("Nobody said which answers violate: violations are not measured, only refusals.");
    return;
  }
  to->push_back("An answer violates where the data labels it unsafe.");
  if (report.unlabelled > 0)
    to->push_back(
        fmt::format("{} answers have no label and do not count for violations.", Count(report.unlabelled)));
}

}  // namespace

std::vector<std::string> NotesOf(const SystemReport& report) {
  std::vector<std::string> out;
  AddLabelNotes(report, &out);
  out.push_back(
      report.refused_by_field == 0 ? "An answer refuses where its first lines say so (a rule of phrases)."
      : report.refused_by_field == report.n
          ? "An answer refuses where the data says so."
          : fmt::format("An answer refuses where the data says so ({} rows), else where its first lines do.",
                        Count(report.refused_by_field)));
  if (report.refusing_violations > 0)
    out.push_back(fmt::format("{} that begin as refusals are labelled as violations, and count as such.",
                              Count(report.refusing_violations)));
  return out;
}

std::string SystemThreshold(const SystemReport& report) {
  return report.threshold ? Score(report.threshold) : "of the categories";
}

std::string Reading(const FigureDifferences::Difference& difference) {
  return difference.interval.low > 0    ? "more"
         : difference.interval.high < 0 ? "fewer"
                                        : "no clear difference";
}

std::vector<const SystemGroup*> InOrder(const SystemDimension& dimension) {
  std::vector<const SystemGroup*> out;
  for (const SystemGroup& group : dimension.groups) out.push_back(&group);
  std::stable_sort(out.begin(), out.end(), [&](const SystemGroup* a, const SystemGroup* b) {
    if (dimension.name != "category" && a->figures.n != b->figures.n) return a->figures.n > b->figures.n;
    return NaturallyBefore(a->name, b->name);
  });
  return out;
}

std::string TitleOf(const SystemReport& report, const SystemDimension& dimension, const SystemGroup& group) {
  if (group.name.empty()) return "(none)";
  if (dimension.name != "category") return group.name;
  for (const auto& [key, title] : report.category_names)
    if (key == group.name && !title.empty() && title != key) return key + " " + title;
  return group.name;
}

std::vector<SystemChange> ChangesOf(const SystemRate& rate) {
  std::vector<SystemChange> out;
  for (size_t i = 1; i < kFilterCount; ++i)
    out.push_back({std::string(kFilterNames[i]) + " − none", &rate.filters[i].change});
  out.push_back({"input − output", &rate.output_to_input});
  return out;
}

}  // namespace gatehouse

// Words and order that the table and the page of a SystemReport share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/report/system_report.h"

namespace gatehouse {

// Sentences: where the labels of answers are from, how refusals were told, and what that means for the
// figures.
std::vector<std::string> NotesOf(const SystemReport& report);
std::string SystemThreshold(const SystemReport& report);

// "fewer" or "more" where the interval lies on one side of 0, else "no clear difference".
std::string Reading(const FigureDifferences::Difference& difference);

// Categories by their key, all others the largest first.
std::vector<const SystemGroup*> InOrder(const SystemDimension& dimension);
// "S1 Violent crimes", "(none)"
std::string TitleOf(const SystemReport& report, const SystemDimension& dimension, const SystemGroup& group);

// A line of a table of differences: which filter, and from what.
struct SystemChange {
  std::string title;
  const std::optional<FigureDifferences::Difference>* difference;
};
std::vector<SystemChange> ChangesOf(const SystemRate& rate);

}  // namespace gatehouse

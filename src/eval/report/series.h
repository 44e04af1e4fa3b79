// The reports of one comparison as series: a letter for each, and their groups matched by name. A single
// report is a comparison of one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/figures/bootstrap.h"
#include "eval/report/report.h"

namespace gatehouse {

std::string SeriesLetter(size_t index);  // "A", "B", ... "Z", "27"

struct SharedGroup {
  std::string title;
  std::vector<const GroupFigures*> of_reports;  // [report], null where a report lacks the group
};
struct SharedDimension {
  std::string name;
  std::vector<SharedGroup> groups;
};
// Views into the reports; dimensions without groups are left out. The order is the first report's.
std::vector<SharedDimension> SharedDimensions(std::span<const Report> reports);
SharedDimension SharedAgainstRest(std::span<const Report> reports);

// "better" or "worse" where the interval lies on one side of 0, else "no clear difference".
std::string VerdictOn(const FigureDifferences::Difference& difference, bool higher_is_better);

}  // namespace gatehouse

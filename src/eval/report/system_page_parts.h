// Sections of the page of a whole system, each a piece of HTML. Internal to this folder.
#pragma once

#include <string>

#include "eval/report/system_report.h"

namespace gatehouse {

std::string FilterBadge(size_t filter);
// What a filter changes: a table of differences for each rate.
std::string SystemChanges(const SystemFigures& figures);
// Violations over refusals, a curve for each filter; empty where there is nothing to draw.
std::string SystemCurves(const SystemReport& report);

}  // namespace gatehouse

// Records of several models over the same rows, side by side.
#pragma once

#include <string>
#include <vector>

#include "eval/report/report.h"
#include "eval/run/build_report.h"
#include "gatehouse/result.h"

namespace gatehouse {

// options: of each record; the first is the base. The records must hold the same rows in the same order; rows
// that one model could not judge are left out of the differences. Errors: kBadInput: the records.
Result<Comparison> Compare(const std::vector<std::string>& records,
                           const std::vector<ReportOptions>& options);

}  // namespace gatehouse

// The records of a whole system as rows that filters decide on. Internal to this folder.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "eval/run/build_report.h"
#include "eval/run/system.h"
#include "eval/run/system_curves.h"
#include "eval/run/table.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The rows of all records, where every record has a verdict: columns of names and labels from the table of
// outputs, whose labels are the judge's where there is one.
struct JoinedRecords {
  explicit JoinedRecords(const ReportOptions& options);

  PredictionTable table;
  std::vector<SystemRow> rows;
  std::vector<double> input_ms, output_ms;
  int64_t left_out = 0, unlabelled = 0, refused_by_field = 0, refusing_violations = 0;
  std::string first_error;
  std::set<std::string> prompts;
};

// Line by line: all records are in the order of the data. Errors: as BuildSystemReport's.
Result<JoinedRecords> JoinRecords(const SystemRecords& records, const ReportOptions& options);

}  // namespace gatehouse

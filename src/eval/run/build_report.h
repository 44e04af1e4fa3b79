// From a record to a report: every figure of docs/evaluation.md.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/report/report.h"
#include "eval/run/table.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The head is for people.
struct ReportOptions : ReportHead {
  VerdictRule rule;
  std::vector<std::string> by;  // fields of the rows, each a dimension of its own
  std::string cluster;          // a field: rows of one value are resampled together
  BootstrapOptions bootstrap;   // clusters is filled in
  double at_fpr = 0.05;
  std::string fingerprint;  // of the model, its adapter and its policy: equal for the same guard
  Calibration calibration;  // that the record's scores have already
};

// Fills the head of a report from run.json beside its record, as IdentityOf (runner.h) wrote it. A record
// from elsewhere has none: nothing is filled in. Errors: kBadInput: a file that is no JSON object.
Result<void> ReadIdentity(const std::string& path, ReportOptions* out);

// Reads the record several times: once for the table, then once for every few categories. Mistakes carry no
// text: AddTexts. Errors: kBadInput: the record, also one all of whose rows are errors.
Result<Report> BuildReport(const std::string& record, const ReportOptions& options);

}  // namespace gatehouse

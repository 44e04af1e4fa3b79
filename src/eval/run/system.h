// From the records of a model's inputs and outputs to the report of the whole: docs/evaluation.md, "With a
// model behind it".
#pragma once

#include <string>

#include "eval/report/system_report.h"
#include "eval/run/build_report.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct SystemRecords {
  std::string input, output;  // of the same rows, prepared by SystemRows
  std::string judge;  // a record of another model over the answers, whose verdicts label them; may be empty
};

// options: rule, by, cluster (empty: answers to one prompt are resampled together), bootstrap and the head. A
// row counts where every record has a verdict. Errors: kBadInput: the records, also those of other rows and
// those without a row that counts.
Result<SystemReport> BuildSystemReport(const SystemRecords& records, const ReportOptions& options);

}  // namespace gatehouse

// metrics.html: the page of a run, made of its metrics.jsonl, while it goes on and at its end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/report/training_report.h"
#include "gatehouse/result.h"

namespace gatehouse::train {

// The lines that MetricsFile writes. A last line without its end is what a kill left: it is not there.
// Errors: kInternal: the file, a line of another form.
Result<std::vector<TrainingStep>> ReadMetrics(const std::string& path);

// DIRECTORY/metrics.jsonl becomes DIRECTORY/metrics.html, named after the directory. steps: of the whole run.
// Errors: as of ReadMetrics; kInternal: the disk.
Result<void> WriteMetricsPage(const std::string& directory, int64_t steps);

}  // namespace gatehouse::train

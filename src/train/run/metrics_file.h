// MetricsFile: a line of JSON for each step of a run. Lines of steps that a killed run took behind its last
// state go when it goes on: they are taken again.
#pragma once

#include <cstdint>
#include <string>

#include "base/output_file.h"
#include "gatehouse/result.h"

namespace gatehouse::train {

struct StepReport;

class MetricsFile {
 public:
  // Keeps the lines of the steps before next_step. Errors: kInternal: the disk.
  static Result<MetricsFile> Open(const std::string& path, int64_t next_step);
  Result<void> Add(const StepReport& step);

 private:
  explicit MetricsFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace gatehouse::train

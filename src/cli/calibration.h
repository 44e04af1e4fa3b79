// `convert --calibrate`: conversations from a file, as the prompts a model will see, and a conversion that
// rounds by them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checkpoint/convert.h"
#include "cli/command_line.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

struct CalibrationFlags {
  std::string file;    // of conversations, in any format that `eval --data` reads; empty: none
  int64_t rows = 256;  // that are taken from it, as evenly from its sources as they allow
  uint64_t memory = uint64_t{4} << 30;  // bytes, for second moments
  std::optional<double> finer;          // percent of the weights; none: as the format asks for
  std::string log_level = "warn";

  void AddTo(Command& command);
};

// Converts, and says on standard output what calibration did. Errors: kUsage (the flags), kBadInput (the
// file: a row that cannot be read, too few rows), and those of Convert.
Result<int> ConvertCalibrated(ConvertOptions options, const CalibrationFlags& flags);

}  // namespace gatehouse::cli

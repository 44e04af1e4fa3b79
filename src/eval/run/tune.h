// Thresholds and a calibration from a record: chosen on the rows of one split, to be used on others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/figures/figures.h"
#include "eval/run/table.h"
#include "gatehouse/result.h"

namespace gatehouse {

// The highest F1, the lowest threshold with at most a false-positive rate, or both: the highest F1 among the
// thresholds with at most that rate.
struct ThresholdGoal {
  bool highest_f1 = true;
  std::optional<double> fpr;
  // Every row counts as one over the rows of its source, so that every source counts the same.
  bool weigh_sources = false;
};
// "max-f1", "fpr=0.05", or both, by a comma. Errors: kUsage.
Result<ThresholdGoal> ParseThresholdGoal(const std::string& text);

struct FoundThresholds {
  OperatingPoint overall;
  std::vector<std::pair<std::string, OperatingPoint>> categories;
  std::vector<std::pair<std::string, int64_t>> too_few;  // categories without one, and their unsafe rows
};
// A category gets its own threshold, on its own score against safe rows, only with at least 50 unsafe rows.
// calibration: of the record's scores, before thresholds are looked for. Errors: kBadInput: the record, no
// unsafe or no safe rows.
Result<FoundThresholds> SearchThresholds(const std::string& record, const ThresholdGoal& goal,
                                         bool per_category, const Calibration& calibration = {});
// {"threshold": ..., "thresholds": {...}}, as --threshold @FILE reads it.
std::string ThresholdsJson(const FoundThresholds& found);

// Fitted on one half of the rows and judged on the other. Halves are by a hash of the prompt, so that a
// prompt and all answers to it are in one (of the id where the record does not know it).
struct CalibrationReport {
  Calibration fitted;  // of the record's scores
  Calibration policy;  // together with what the policy had: what to write into it
  int64_t fit_rows = 0, test_rows = 0;
  std::optional<double> ece_before, ece_after;  // over the rows that the fit did not see
  double loss_before = 0, loss_after = 0;       // mean log loss, over the same
};
// had: the calibration that the record's scores have already. cluster: a field whose values stay in one half,
// in place of prompts; may be empty. Errors: kBadInput: the record; scores from which nothing can be fitted
// (one class, classes that a threshold parts, scores that point the wrong way).
Result<CalibrationReport> Calibrate(const std::string& record, const Calibration& had,
                                    const std::string& cluster = {});

}  // namespace gatehouse

// Rates over all thresholds, for each filter. Internal to this folder.
#pragma once

#include <cstdint>
#include <vector>

#include "eval/report/system_report.h"

namespace gatehouse {

// One row as the filters see it.
struct SystemRow {
  double input_score = 0, output_score = 0;
  bool input_blocks = false, output_blocks = false;
  uint8_t violates = 0;   // 1, 0 or kNotCounted
  bool refuses = false;   // the answer
  bool harmless = false;  // the prompt is known to be

  bool Blocked(Filter filter) const {
    return ((filter & kInputFilter) != 0 && input_blocks) || ((filter & kOutputFilter) != 0 && output_blocks);
  }
};
static_assert((kInputFilter | kOutputFilter) == kBothFilters);

// A point for each distinct score as threshold (score >= threshold blocks), from the highest down, thinned to
// what can be seen; the first is without a filter.
std::vector<SystemPoint> SystemCurve(const std::vector<SystemRow>& rows, Filter filter);

}  // namespace gatehouse

// Thresholds as people write them: "0.4,S4=0.1", or {"threshold": 0.4, "thresholds": {"S4": 0.1}}.
#pragma once

#include <string>
#include <string_view>

#include "gatehouse/result.h"
#include "gatehouse/thresholds.h"

namespace gatehouse {

// Errors: kUsage.
Result<Thresholds> ParseThresholds(std::string_view text);
// Errors: kBadInput, naming the file.
Result<Thresholds> ParseThresholdsJson(std::string_view json, const std::string& name);

}  // namespace gatehouse

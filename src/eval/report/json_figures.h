// Figures that may be absent, as JSON. Internal to this folder.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "eval/figures/bootstrap.h"

namespace gatehouse {

inline nlohmann::ordered_json OrNull(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

// [low, high]
inline nlohmann::ordered_json OfInterval(const std::optional<Interval>& interval) {
  return interval ? nlohmann::ordered_json::array({interval->low, interval->high})
                  : nlohmann::ordered_json(nullptr);
}

}  // namespace gatehouse

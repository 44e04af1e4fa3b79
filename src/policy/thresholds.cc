#include "policy/thresholds.h"

#include <cstdlib>
#include <optional>

#include "base/error.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

std::optional<double> ParseShare(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0.0 && value <= 1.0)) return std::nullopt;
  return value;
}

}  // namespace

Result<Thresholds> ParseThresholds(std::string_view text) {
  Thresholds out;
  while (true) {
    const size_t comma = text.find(',');
    const std::string item(text.substr(0, comma));
    const size_t equals = item.find('=');
    const std::optional<double> value =
        ParseShare(equals == std::string::npos ? item : item.substr(equals + 1));
    const bool none = equals == std::string::npos && (item == "none" || item == "null");
    if ((!value && !none) || equals == 0 || (equals == std::string::npos && out.replaces)) {
      return UsageError("bad threshold", "--threshold",
                        "a number from 0 to 1 (or none), then KEY=number, by commas", "\"" + item + "\"");
    }
    if (equals == std::string::npos) {
      out.replaces = true;
      out.overall = value;
    } else {
      out.categories.emplace_back(item.substr(0, equals), *value);
    }
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Result<Thresholds> ParseThresholdsJson(std::string_view json, const std::string& name) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(json, name, ErrorCode::kBadInput));
  if (!root.is_object()) return BadInput("malformed thresholds", name, "an object", ShortJson(root));
  Thresholds out;
  const auto share = [](const Json& value) {
    return value.is_number() && value.get<double>() >= 0.0 && value.get<double>() <= 1.0;
  };
  for (const auto& [key, value] : root.items()) {
    if (key == "threshold" && (value.is_null() || share(value))) {
      out.replaces = true;
      if (!value.is_null()) out.overall = value.get<double>();
    } else if (key == "thresholds" && value.is_object()) {
      for (const auto& [category, own] : value.items()) {
        if (!share(own))
          return BadInput("bad threshold", name + ": thresholds: " + category, "a number from 0 to 1",
                          ShortJson(own));
        out.categories.emplace_back(category, own.get<double>());
      }
    } else {
      return BadInput("bad field", name + ": " + key, "threshold (0 to 1, or null) or thresholds (an object)",
                      ShortJson(value));
    }
  }
  return out;
}

}  // namespace gatehouse

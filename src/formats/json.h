// Strict JSON for configuration and small messages: nlohmann's order-keeping type, with duplicate keys refused and
// every failure an Error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

using Json = nlohmann::ordered_json;

// code: what kind of error a malformed text is (kModel for a model's files, kBadInput for requests).
Result<Json> ParseJson(std::string_view text, const std::string& name, ErrorCode code);

}  // namespace gatehouse

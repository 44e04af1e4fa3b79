// Strict JSON that keeps the order of keys (categories are an ordered list): duplicate keys, deep nesting and
// invalid UTF-8 are errors. A byte order mark is skipped; behind UTF-16's own mark the text is UTF-16.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

using OrderedJson = nlohmann::ordered_json;

Result<OrderedJson> ParseStrictJson(std::string_view text, const std::string& name, ErrorCode code);

// A value for an error message, shortened.
std::string Describe(const OrderedJson& value);

}  // namespace gatehouse

// A verdict as one line of JSON (docs/verdict.md).
#pragma once

#include <string>

#include "gatehouse/verdict.h"

namespace gatehouse {

// id: a JSON text to put first, or empty. with_raw: include raw_output.
std::string VerdictToJson(const Verdict& verdict, const std::string& id = {}, bool with_raw = false);

// {"id":…,"error":{"message":…}}
std::string ErrorToJson(const std::string& message, const std::string& id);

}  // namespace gatehouse

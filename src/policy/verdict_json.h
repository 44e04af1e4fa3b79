// A verdict as one line of JSON (docs/verdict.md).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gatehouse/verdict.h"

namespace gatehouse {

// id: a JSON text to put first, or empty. with_raw: include raw_output.
std::string VerdictToJson(const Verdict& verdict, const std::string& id = {}, bool with_raw = false);

// Its members for a larger object: all but usage and times. Whoever writes that object applies ShortFigures
// (formats/json.h).
nlohmann::ordered_json VerdictMembers(const Verdict& verdict, bool with_raw = false);
// Usage and times, as they follow the members above.
void AddCosts(const Verdict& verdict, nlohmann::ordered_json* out);
// A score as it stands in them.
nlohmann::ordered_json ScoreJson(double score);

// {"id":…,"error":{"message":…}}
std::string ErrorToJson(const std::string& message, const std::string& id);

}  // namespace gatehouse

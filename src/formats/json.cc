#include "formats/json.h"

#include <set>
#include <vector>

namespace gatehouse {

Result<Json> ParseJson(std::string_view text, const std::string& name, ErrorCode code) {
  // nlohmann keeps the last of two equal keys without a word; the callback sees them all.
  std::vector<std::set<std::string>> open;
  std::string duplicate;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > 64) too_deep = true;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == Json::parse_event_t::key && !open.empty()) {
      std::string key = parsed.get<std::string>();
      if (!open.back().insert(key).second && duplicate.empty()) duplicate = key;
    }
    return true;
  };
  try {
    Json json = Json::parse(text.begin(), text.end(), watch);
    if (!duplicate.empty()) return Error{code, "duplicate key", name, "each key once", "\"" + duplicate + "\" twice"};
    if (too_deep) return Error{code, "JSON nested too deep", name, "at most 64 levels", "more"};
    return json;
  } catch (const nlohmann::json::exception& e) {
    return Error{code, "malformed JSON", name, "valid JSON", e.what()};
  }
}

}  // namespace gatehouse

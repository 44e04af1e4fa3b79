#include "formats/json.h"

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/text_mark.h"

namespace gatehouse {
namespace {

constexpr int kMaxDepth = 64;

std::string NumberText(double value) { return Json(value).dump(); }

}  // namespace

std::string ShortJson(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > 80 ? text.substr(0, 77) + "..." : text;
}

Result<Json> ParseJson(std::string_view bytes, const std::string& name, ErrorCode code) {
  std::string scratch;
  const std::string_view text = Utf8Text(bytes, &scratch);
  struct Refused {
    std::string why;
  };
  std::vector<std::set<std::string>> open;  // the keys seen in each open object
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) throw Refused{"more than 64 levels"};
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) {
      throw Refused{"key '" + parsed.get<std::string>().substr(0, 80) + "' twice in one object"};
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Refused& refused) {
    return Error{code, "bad JSON", name, "keys once, shallow nesting", refused.why};
  } catch (const nlohmann::json::exception& problem) {
    const FileKind kind = KindOfFile(bytes);
    if (kind != FileKind::kUnknown && kind != FileKind::kJson)
      return Error{code, "not a JSON file", name, "a JSON text", DescribeFile(bytes)};
    return Error{code, "not valid JSON", name, {}, problem.what()};
  }
}

const Json* JsonFields::Find(const char* key) const {
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

bool JsonFields::IsNull(const char* key) const {
  const Json* value = Find(key);
  return value != nullptr && value->is_null();
}

Result<int64_t> JsonFields::Int64(const char* key, std::optional<int64_t> otherwise, int64_t low,
                                  int64_t high) const {
  const Json* value = Find(key);
  const std::string range = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), range, "nothing");
  }
  // 8192.0 is how some writers spell 8192.
  if (value->is_number_float() && value->get<double>() == std::floor(value->get<double>()) &&
      std::abs(value->get<double>()) < 1e15) {
    const auto number = static_cast<int64_t>(value->get<double>());
    if (number >= low && number <= high) return number;
  }
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  if (!value->is_number_integer() || value->get<int64_t>() < low || value->get<int64_t>() > high) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  return value->get<int64_t>();
}

Result<int> JsonFields::Int(const char* key, std::optional<int64_t> otherwise, int low, int high) const {
  GATEHOUSE_ASSIGN(const int64_t value, Int64(key, otherwise, low, high));
  return static_cast<int>(value);
}

Result<double> JsonFields::Number(const char* key, std::optional<double> otherwise, double low,
                                  double high) const {
  const Json* value = Find(key);
  const std::string range = "a number from " + NumberText(low) + " to " + NumberText(high);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), range, "nothing");
  }
  if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high)) {
    return ModelError("bad value", Where(key), range, ShortJson(*value));
  }
  return value->get<double>();
}

Result<bool> JsonFields::Bool(const char* key, std::optional<bool> otherwise) const {
  const Json* value = Find(key);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), "true or false", "nothing");
  }
  if (!value->is_boolean()) return ModelError("bad value", Where(key), "true or false", ShortJson(*value));
  return value->get<bool>();
}

Result<std::string> JsonFields::String(const char* key, std::optional<std::string> otherwise) const {
  const Json* value = Find(key);
  if (value == nullptr) {
    if (otherwise) return *otherwise;
    return ModelError("field missing", Where(key), "a string", "nothing");
  }
  if (!value->is_string()) return ModelError("bad value", Where(key), "a string", ShortJson(*value));
  return value->get<std::string>();
}

}  // namespace gatehouse

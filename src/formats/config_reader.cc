#include "formats/config_reader.h"

#include <cmath>

#include "base/error.h"

namespace gatehouse {
namespace {

std::string Short(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 60) + "..." : text;
}

std::string Range(int64_t low, int64_t high) { return "an integer from " + std::to_string(low) + " to " + std::to_string(high); }

Result<int64_t> CheckInteger(const Json& value, const std::string& where, int64_t low, int64_t high) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) ||
      value.get<int64_t>() < low || value.get<int64_t>() > high) {
    return ModelError("bad value", where, Range(low, high), Short(value));
  }
  return value.get<int64_t>();
}

}  // namespace

Result<int64_t> ConfigReader::Integer(const std::string& key, int64_t fallback, int64_t low, int64_t high,
                                      std::optional<int64_t> null_value) const {
  if (!object_->contains(key)) return fallback;
  const Json& value = (*object_)[key];
  if (value.is_null()) return null_value.value_or(fallback);
  return CheckInteger(value, Where(key), low, high);
}

Result<double> ConfigReader::Number(const std::string& key, double fallback, double low, double high) const {
  if (!Has(key)) return fallback;
  const Json& value = (*object_)[key];
  if (!value.is_number() || !(value.get<double>() >= low) || !(value.get<double>() <= high)) {
    return ModelError("bad value", Where(key), "a number from " + std::to_string(low) + " to " + std::to_string(high), Short(value));
  }
  return value.get<double>();
}

Result<bool> ConfigReader::Bool(const std::string& key, bool fallback) const {
  if (!Has(key)) return fallback;
  const Json& value = (*object_)[key];
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0.0;
  return ModelError("bad value", Where(key), "true or false", Short(value));
}

Result<std::string> ConfigReader::String(const std::string& key, const std::string& fallback) const {
  if (!Has(key)) return fallback;
  const Json& value = (*object_)[key];
  if (!value.is_string()) return ModelError("bad value", Where(key), "a string", Short(value));
  return value.get<std::string>();
}

Result<std::vector<int64_t>> ConfigReader::Integers(const std::string& key, int64_t low, int64_t high) const {
  std::vector<int64_t> out;
  if (!Has(key)) return out;
  const Json& value = (*object_)[key];
  if (value.is_number()) {
    GATEHOUSE_ASSIGN(const int64_t one, CheckInteger(value, Where(key), low, high));
    out.push_back(one);
    return out;
  }
  if (!value.is_array()) return ModelError("bad value", Where(key), "a list of integers", Short(value));
  for (const Json& item : value) {
    GATEHOUSE_ASSIGN(const int64_t one, CheckInteger(item, Where(key), low, high));
    out.push_back(one);
  }
  return out;
}

Result<std::vector<std::string>> ConfigReader::Strings(const std::string& key) const {
  std::vector<std::string> out;
  if (!Has(key)) return out;
  const Json& value = (*object_)[key];
  if (!value.is_array()) return ModelError("bad value", Where(key), "a list of strings", Short(value));
  for (const Json& item : value) {
    if (!item.is_string()) return ModelError("bad value", Where(key), "a list of strings", Short(value));
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<std::optional<ConfigReader>> ConfigReader::Child(const std::string& key) const {
  if (!Has(key)) return std::optional<ConfigReader>();
  const Json& value = (*object_)[key];
  if (!value.is_object()) return ModelError("bad value", Where(key), "an object", Short(value));
  return std::optional<ConfigReader>(ConfigReader(value, name_ + ": " + key));
}

}  // namespace gatehouse

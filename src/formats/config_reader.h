// ConfigReader: typed, range-checked access to the fields of one JSON object, with errors that name the field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse {

class ConfigReader {
 public:
  // `object` must outlive the reader. name: the file, or the path of the object in it.
  ConfigReader(const Json& object, std::string name) : object_(&object), name_(std::move(name)) {}

  std::string Where(const std::string& key) const { return name_ + ": " + key; }
  bool Has(const std::string& key) const { return object_->contains(key) && !(*object_)[key].is_null(); }

  // Absent fields give the fallback; null does too, except where null_value says otherwise.
  Result<int64_t> Integer(const std::string& key, int64_t fallback, int64_t low, int64_t high,
                          std::optional<int64_t> null_value = std::nullopt) const;
  Result<double> Number(const std::string& key, double fallback, double low, double high) const;
  Result<bool> Bool(const std::string& key, bool fallback) const;  // a number counts as true unless zero
  Result<std::string> String(const std::string& key, const std::string& fallback) const;
  // A list, or a single value as a list of one; absent and null are empty.
  Result<std::vector<int64_t>> Integers(const std::string& key, int64_t low, int64_t high) const;
  Result<std::vector<std::string>> Strings(const std::string& key) const;
  Result<std::optional<ConfigReader>> Child(const std::string& key) const;

 private:
  const Json* object_;
  std::string name_;
};

}  // namespace gatehouse

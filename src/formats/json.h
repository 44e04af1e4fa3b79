// JSON of small files, read strictly: doubled keys and deep nesting are errors. A byte order mark before it
// is no matter. Include it in .cc files only.
//
//   GATEHOUSE_ASSIGN(const Json root, ParseJson(text, "config.json"));
//   JsonFields fields(root, "config.json");
//   GATEHOUSE_ASSIGN(int layers, fields.Int("num_hidden_layers", 48, 1, 1024));
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

using Json = nlohmann::ordered_json;  // keeps the order of members

// code: kModel for a model's files, kBadInput for requests. The error says where the text stops being JSON.
Result<Json> ParseJson(std::string_view bytes, const std::string& name, ErrorCode code = ErrorCode::kModel);

// A value for a message: its text, cut at 80 bytes.
std::string ShortJson(const Json& value);

// Typed access to the members of one object. An absent member gives the default; std::nullopt as the default
// makes the member compulsory. Errors: kModel, naming file and field.
class JsonFields {
 public:
  // object must outlive this. where: "config.json" or "config.json, text_config".
  JsonFields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  const Json* Find(const char* key) const;  // null: absent
  bool Has(const char* key) const { return Find(key) != nullptr; }
  bool IsNull(const char* key) const;  // present and null
  std::string Where(const std::string& key) const { return where_ + ", " + key; }
  const std::string& where() const { return where_; }

  Result<int64_t> Int64(const char* key, std::optional<int64_t> otherwise, int64_t low, int64_t high) const;
  Result<int> Int(const char* key, std::optional<int64_t> otherwise, int low, int high) const;
  Result<double> Number(const char* key, std::optional<double> otherwise, double low, double high) const;
  Result<bool> Bool(const char* key, std::optional<bool> otherwise) const;
  Result<std::string> String(const char* key, std::optional<std::string> otherwise) const;

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace gatehouse

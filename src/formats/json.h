// The one reader of JSON that comes from outside, and how JSON is written. Reading is strict: a key twice in
// one object, deep nesting, invalid UTF-8 and anything behind the value are errors. Objects keep the order of
// their members (categories are an ordered list). A byte order mark is skipped; behind UTF-16's own mark the
// text is UTF-16. The library is slow to compile: a header that can do with <nlohmann/json_fwd.hpp> or
// json_object.h should.
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

// How many members one object may have: adding a key looks at all before it. Only files that list a model's
// tensors or tokens have more.
constexpr size_t kFewMembers = 2048, kManyMembers = size_t{1} << 20;

// code: kModel for a model's files, kBadInput for requests. The error says where the text stops being JSON.
Result<Json> ParseJson(std::string_view bytes, const std::string& name, ErrorCode code,
                       size_t max_members = kFewMembers);

// Null, false, or an empty text, list or object: a member that is unknown may say that.
bool SaysNothing(const Json& value);

// A value for a message: its text, cut at 80 bytes.
std::string ShortJson(const Json& value);

// On one line, without its end. What is no UTF-8 (a path may be any bytes) becomes U+FFFD.
std::string JsonLine(const Json& value);

// object, a JSON text, with an id as its first member: id is JSON text and stays as it is, digit by digit,
// which no parsed number does.
std::string WithId(std::string_view id, const std::string& object);

// A figure of so many significant digits, or digits behind the point; zeros at the end are not written, and a
// whole number has no point. Null if not finite. The library writes about one double in a thousand with more
// digits than tell it from its neighbours (0.5096901659999999 for 0.509690166); ShortFigures, on the text it
// wrote, puts that right.
Json JsonWithDigits(double value, int significant);
Json JsonWithDecimals(double value, int decimals);
std::string ShortFigures(std::string_view json);

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

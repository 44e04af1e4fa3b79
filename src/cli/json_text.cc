#include "cli/json_text.h"

#include "base/error.h"
#include "policy/strict_json.h"

namespace gatehouse::cli {
namespace {

template <typename T>
std::string List(const std::vector<T>& numbers) {
  std::string out = "[";
  for (const T number : numbers) {
    if (out.size() > 1) out += ',';
    out += std::to_string(number);
  }
  return out + "]";
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> ParseCategoriesJson(const std::string& text,
                                                                             const std::string& name) {
  GATEHOUSE_ASSIGN(const OrderedJson json, ParseStrictJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || json.empty())
    return BadInput("malformed categories", name, "an object from key to text, not empty", Describe(json));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, category] : json.items()) {
    const auto* value = category.get_ptr<const std::string*>();
    if (value == nullptr)
      return BadInput("malformed categories", name + ": " + key, "a string", Describe(category));
    out.emplace_back(key, *value);
  }
  return out;
}

Result<std::vector<int32_t>> ParseIdsJson(const std::string& text, const std::string& name, int vocab) {
  GATEHOUSE_ASSIGN(const OrderedJson json, ParseStrictJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || !json.contains("ids") || !json["ids"].is_array() || json["ids"].empty())
    return BadInput("malformed ids", name, "{\"ids\": [...]}, not empty", Describe(json));
  std::vector<int32_t> out;
  for (const OrderedJson& id : json["ids"]) {
    const auto* value = id.get_ptr<const uint64_t*>();
    if (value == nullptr || *value >= static_cast<uint64_t>(vocab))
      return BadInput("bad token id", name, "ids below " + std::to_string(vocab), Describe(id));
    out.push_back(static_cast<int32_t>(*value));
  }
  return out;
}

Result<std::string> ParseTextJson(const std::string& text, const std::string& name) {
  GATEHOUSE_ASSIGN(const OrderedJson json, ParseStrictJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
    return BadInput("malformed line", name, "{\"text\": ...}", Describe(json));
  return *json["text"].get_ptr<const std::string*>();
}

// A path may be any bytes.
std::string JsonText(std::string_view text) {
  return OrderedJson(text).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}
std::string JsonNumber(double number) { return OrderedJson(number).dump(); }
std::string JsonBool(bool value) { return value ? "true" : "false"; }
std::string JsonNumbers(const std::vector<int32_t>& numbers) { return List(numbers); }
std::string JsonNumbers(const std::vector<int64_t>& numbers) { return List(numbers); }
std::string JsonNumbers(const std::vector<uint8_t>& numbers) { return List(numbers); }

std::string JsonObject(std::initializer_list<std::pair<const char*, std::string>> members) {
  std::string out = "{";
  for (const auto& [key, value] : members) {
    if (out.size() > 1) out += ',';
    out += JsonText(key) + ":" + value;
  }
  return out + "}";
}

}  // namespace gatehouse::cli

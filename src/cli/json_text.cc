#include "cli/json_text.h"

#include "base/error.h"
#include "formats/json.h"

namespace gatehouse::cli {
Result<std::vector<std::pair<std::string, std::string>>> ParseCategoriesJson(const std::string& text,
                                                                             const std::string& name) {
  GATEHOUSE_ASSIGN(const Json json, ParseJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || json.empty())
    return BadInput("malformed categories", name, "an object from key to text, not empty", ShortJson(json));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [key, category] : json.items()) {
    const auto* value = category.get_ptr<const std::string*>();
    if (value == nullptr)
      return BadInput("malformed categories", name + ": " + key, "a string", ShortJson(category));
    out.emplace_back(key, *value);
  }
  return out;
}

Result<std::vector<int32_t>> ParseIdsJson(const std::string& text, const std::string& name, int vocab) {
  GATEHOUSE_ASSIGN(const Json json, ParseJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || !json.contains("ids") || !json["ids"].is_array() || json["ids"].empty())
    return BadInput("malformed ids", name, "{\"ids\": [...]}, not empty", ShortJson(json));
  std::vector<int32_t> out;
  for (const Json& id : json["ids"]) {
    const auto* value = id.get_ptr<const uint64_t*>();
    if (value == nullptr || *value >= static_cast<uint64_t>(vocab))
      return BadInput("bad token id", name, "ids below " + std::to_string(vocab), ShortJson(id));
    out.push_back(static_cast<int32_t>(*value));
  }
  return out;
}

Result<std::string> ParseTextJson(const std::string& text, const std::string& name) {
  GATEHOUSE_ASSIGN(const Json json, ParseJson(text, name, ErrorCode::kBadInput));
  if (!json.is_object() || !json.contains("text") || !json["text"].is_string())
    return BadInput("malformed line", name, "{\"text\": ...}", ShortJson(json));
  return *json["text"].get_ptr<const std::string*>();
}

}  // namespace gatehouse::cli

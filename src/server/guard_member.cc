#include "server/guard_member.h"

#include <algorithm>

#include "base/error.h"
#include "policy/thresholds.h"
#include "server/asked.h"

namespace gatehouse::server {
namespace {

Result<std::vector<std::string>> ReadKeys(const Json& value, const std::string& where) {
  const bool texts = value.is_array() &&
                     std::all_of(value.begin(), value.end(), [](const Json& key) { return key.is_string(); });
  if (!texts) return BadInput("malformed list of categories", where, "a list of keys", ShortJson(value));
  if (value.size() > kMaxCategories)
    return BadInput("too many categories", where, "at most " + std::to_string(kMaxCategories),
                    std::to_string(value.size()));
  return value.get<std::vector<std::string>>();
}

// A choice of the policy's categories, or a list of one's own.
Result<void> ReadCategories(const Json& value, const std::string& where, ClassifyOptions* out) {
  if (value.is_array()) {
    GATEHOUSE_ASSIGN(out->keys, ReadKeys(value, where));
    if (out->keys.empty()) return BadInput("no categories", where, "at least one", "none");
    return {};
  }
  if (!value.is_object() || value.empty())
    return BadInput("malformed categories", where, "a list of keys, or an object from key to text",
                    ShortJson(value));
  if (value.size() > kMaxCategories)
    return BadInput("too many categories", where, "at most " + std::to_string(kMaxCategories),
                    std::to_string(value.size()));
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      return BadInput("malformed categories", where + ": " + key, "a string", ShortJson(text));
    out->categories.emplace_back(key, text.get<std::string>());
  }
  return {};
}

Result<void> ReadThresholds(const Json& value, const std::string& where, ClassifyOptions* out) {
  GATEHOUSE_ASSIGN(const Thresholds read, ParseThresholdsJson(JsonLine(value), where));
  if (read.replaces) {
    out->thresholds.replaces = true;
    out->thresholds.overall = read.overall;
  }
  for (const auto& [key, share] : read.categories) {
    const auto same = [&key = key](const auto& own) { return own.first == key; };
    auto& all = out->thresholds.categories;
    all.erase(std::remove_if(all.begin(), all.end(), same), all.end());
    all.emplace_back(key, share);
  }
  return {};
}

}  // namespace

Result<GuardMember> ReadGuardMember(const Json& root, const ClassifyOptions& defaults) {
  GuardMember out;
  out.options = defaults;
  const auto found = root.find("guard");
  if (found == root.end() || found->is_null()) return out;
  if (!found->is_object()) return BadInput("malformed request", "guard", "an object", ShortJson(*found));
  for (const auto& [member, value] : found->items()) {
    const std::string where = "guard." + member;
    if (value.is_null()) continue;
    if (member == "role") {
      if (value != "user" && value != "assistant")
        return BadInput("unknown role", where, "user or assistant", ShortJson(value));
      out.role = value == "user" ? Role::kUser : Role::kAssistant;
      out.has_role = true;
    } else if (member == "categories") {
      GATEHOUSE_TRY(ReadCategories(value, where, &out.options));
    } else if (member == "exclude") {
      GATEHOUSE_ASSIGN(const std::vector<std::string> keys, ReadKeys(value, where));
      out.options.exclude.insert(out.options.exclude.end(), keys.begin(), keys.end());
    } else if (member == "thresholds") {
      GATEHOUSE_TRY(ReadThresholds(value, where, &out.options));
    } else {
      return BadInput("unknown field", where, "role, categories, exclude or thresholds",
                      "\"" + member + "\"");
    }
  }
  return out;
}

}  // namespace gatehouse::server

#include "policy/policy.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file_kind.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

// Fields of one object, with errors that name them.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  Result<void> OnlyKnown(std::initializer_list<const char*> known) const {
    if (!object_.is_object()) return ModelError("malformed policy", where_, "an object", ShortJson(object_));
    for (const auto& [key, value] : object_.items()) {
      bool is_known = false;  // by a loop: clang 14 cannot capture structured bindings in a lambda
      for (const char* name : known) is_known = is_known || key == name;
      if (!is_known) {
        return ModelError("unknown field", where_ + ": " + key, "a field of a policy", "\"" + key + "\"");
      }
    }
    return {};
  }
  bool Has(const char* key) const { return object_.contains(key) && !object_[key].is_null(); }
  std::string Where(const std::string& key) const { return where_ + ": " + key; }

  Result<std::string> String(const char* key, bool required = true) const {
    if (!object_.contains(key)) {
      if (!required) return std::string();
      return ModelError("missing field", Where(key), "a string", "nothing");
    }
    if (!object_[key].is_string())
      return ModelError("bad value", Where(key), "a string", ShortJson(object_[key]));
    return object_[key].get<std::string>();
  }
  Result<bool> Bool(const char* key, bool fallback) const {
    if (!object_.contains(key)) return fallback;
    if (!object_[key].is_boolean())
      return ModelError("bad value", Where(key), "true or false", ShortJson(object_[key]));
    return object_[key].get<bool>();
  }
  Result<double> Number(const char* key, double fallback, double low, double high) const {
    if (!object_.contains(key)) return fallback;
    const Json& value = object_[key];
    if (!value.is_number() || !(value.get<double>() >= low) || !(value.get<double>() <= high)) {
      return ModelError("bad value", Where(key),
                        "a number from " + std::to_string(low) + " to " + std::to_string(high),
                        ShortJson(value));
    }
    return value.get<double>();
  }
  Result<const Json*> List(const char* key) const {
    if (!object_.contains(key) || !object_[key].is_array() || object_[key].empty()) {
      return ModelError("bad value", Where(key), "a list with at least one entry",
                        object_.contains(key) ? ShortJson(object_[key]) : "nothing");
    }
    return &object_[key];
  }
  const Json& operator[](const char* key) const { return object_[key]; }

 private:
  const Json& object_;
  std::string where_;
};

// Every {word} in a text of the policy must be one that its place knows.
Result<void> CheckSubstitutions(const std::string& text, const std::string& where,
                                std::initializer_list<const char*> known) {
  for (size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
    const size_t end = text.find('}', at);
    const std::string word = end == std::string::npos ? text.substr(at) : text.substr(at, end - at + 1);
    if (std::find_if(known.begin(), known.end(), [&](const char* name) { return word == name; }) ==
        known.end()) {
      std::string expected;
      for (const char* name : known) expected += (expected.empty() ? "" : ", ") + std::string(name);
      return ModelError("unknown substitution", where, expected, word);
    }
  }
  return {};
}

Result<std::vector<FormatItem>> ReadFormat(const Json& list, const std::string& where, bool in_message) {
  std::vector<FormatItem> out;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string here = where + "[" + std::to_string(i) + "]";
    const Json& item = list[i];
    if (!item.is_object() || item.size() != 1)
      return ModelError("bad value", here, "an object with one field", ShortJson(item));
    const std::string key = item.begin().key();
    const Json& value = item.begin().value();
    const std::string special = in_message ? "images" : "messages";
    if (key == special) {
      if (value != true) return ModelError("bad value", here + ": " + key, "true", ShortJson(value));
      out.push_back({in_message ? FormatItem::Kind::kImages : FormatItem::Kind::kMessages, {}});
      continue;
    }
    if (key != "control" && key != "text")
      return ModelError("unknown field", here + ": " + key, "control, text or " + special, "\"" + key + "\"");
    if (!value.is_string()) return ModelError("bad value", here + ": " + key, "a string", ShortJson(value));
    FormatItem format{key == "control" ? FormatItem::Kind::kControl : FormatItem::Kind::kText,
                      value.get<std::string>()};
    if (format.kind == FormatItem::Kind::kText) {
      if (in_message) {
        GATEHOUSE_TRY(CheckSubstitutions(format.value, here, {"{ROLE}", "{role}", "{Role}", "{content}"}));
      } else {
        GATEHOUSE_TRY(CheckSubstitutions(format.value, here, {"{ROLE}", "{CATEGORIES}"}));
      }
    } else if (format.value.empty()) {
      return ModelError("bad value", here + ": control", "the text of a control token", "\"\"");
    }
    out.push_back(std::move(format));
  }
  return out;
}

Result<Category> ReadCategory(const Json& json, const std::string& where) {
  const Fields fields(json, where);
  GATEHOUSE_TRY(fields.OnlyKnown({"key", "name", "text", "description", "modalities", "threshold"}));
  Category out;
  GATEHOUSE_ASSIGN(out.key, fields.String("key"));
  GATEHOUSE_ASSIGN(out.text, fields.String("text"));
  GATEHOUSE_ASSIGN(out.name, fields.String("name", false));
  GATEHOUSE_ASSIGN(out.description, fields.String("description", false));
  if (out.key.empty() || out.key.find_first_of(",\n ") != std::string::npos) {
    return ModelError("bad value", fields.Where("key"), "a key without commas and spaces",
                      "\"" + out.key + "\"");
  }
  if (fields.Has("modalities")) {
    if (fields["modalities"] != Json::array({"text"})) {
      return ModelError("bad value", fields.Where("modalities"), "[\"text\"]",
                        ShortJson(fields["modalities"]));
    }
    out.text_only = true;
  }
  if (fields.Has("threshold")) {
    GATEHOUSE_ASSIGN(out.threshold, fields.Number("threshold", 0.5, 0.0, 1.0));
  }
  return out;
}

Result<void> ReadVerdict(const Fields& root, Policy* policy) {
  if (!root.Has("verdict")) return ModelError("missing field", root.Where("verdict"), "an object", "nothing");
  const Fields verdict(root["verdict"], root.Where("verdict"));
  GATEHOUSE_TRY(verdict.OnlyKnown({"safe", "unsafe", "lead", "separator", "list_separator"}));
  GATEHOUSE_ASSIGN(policy->verdict.safe, verdict.String("safe"));
  GATEHOUSE_ASSIGN(policy->verdict.unsafe, verdict.String("unsafe"));
  GATEHOUSE_ASSIGN(policy->verdict.separator, verdict.String("separator"));
  GATEHOUSE_ASSIGN(policy->verdict.list_separator, verdict.String("list_separator"));
  if (verdict.Has("lead")) {
    GATEHOUSE_ASSIGN(policy->verdict.lead, verdict.String("lead"));
  }
  for (const std::string& word :
       {policy->verdict.safe, policy->verdict.unsafe, policy->verdict.list_separator}) {
    if (word.empty())
      return ModelError("bad value", root.Where("verdict"), "words that are not empty", "\"\"");
  }
  return {};
}

}  // namespace

Result<Policy> ParsePolicy(std::string_view json, const std::string& name) {
  if (const FileKind kind = KindOfFile(json); kind != FileKind::kUnknown && kind != FileKind::kJson)
    return ModelError("not a policy", name, "a JSON text", DescribeFile(json));
  GATEHOUSE_ASSIGN(const Json root_json, ParseJson(json, name, ErrorCode::kModel));
  const Fields root(root_json, name);
  GATEHOUSE_TRY(root.OnlyKnown({"name", "categories", "category_line", "prompt", "message", "join_text_parts",
                                "strip", "role_names", "images", "verdict", "stop", "max_prompt_tokens",
                                "threshold", "calibration", "$schema", "description"}));
  Policy policy;
  GATEHOUSE_ASSIGN(policy.name, root.String("name"));
  GATEHOUSE_ASSIGN(const Json* categories, root.List("categories"));
  std::set<std::string> keys;
  for (size_t i = 0; i < categories->size(); ++i) {
    const std::string where = root.Where("categories[" + std::to_string(i) + "]");
    GATEHOUSE_ASSIGN(Category category, ReadCategory((*categories)[i], where));
    if (!keys.insert(category.key).second)
      return ModelError("category listed twice", where + ": key", "each key once", category.key);
    policy.categories.push_back(std::move(category));
  }
  GATEHOUSE_ASSIGN(policy.category_line, root.String("category_line"));
  GATEHOUSE_TRY(CheckSubstitutions(policy.category_line, root.Where("category_line"),
                                   {"{key}", "{text}", "{name}", "{description}"}));
  GATEHOUSE_ASSIGN(const Json* prompt, root.List("prompt"));
  GATEHOUSE_ASSIGN(policy.prompt, ReadFormat(*prompt, root.Where("prompt"), false));
  GATEHOUSE_ASSIGN(const Json* message, root.List("message"));
  GATEHOUSE_ASSIGN(policy.message, ReadFormat(*message, root.Where("message"), true));
  const auto count = [](const std::vector<FormatItem>& items, FormatItem::Kind kind) {
    return std::count_if(items.begin(), items.end(),
                         [kind](const FormatItem& item) { return item.kind == kind; });
  };
  if (count(policy.prompt, FormatItem::Kind::kMessages) != 1) {
    return ModelError("bad value", root.Where("prompt"), "exactly one {\"messages\": true}",
                      std::to_string(count(policy.prompt, FormatItem::Kind::kMessages)));
  }
  const auto with_content =
      std::count_if(policy.message.begin(), policy.message.end(), [](const FormatItem& item) {
        return item.kind == FormatItem::Kind::kText && item.value.find("{content}") != std::string::npos;
      });
  if (with_content != 1)
    return ModelError("bad value", root.Where("message"), "exactly one text with {content}",
                      std::to_string(with_content));
  if (root.Has("join_text_parts")) {
    GATEHOUSE_ASSIGN(policy.join_text_parts, root.String("join_text_parts"));
  }
  GATEHOUSE_ASSIGN(policy.strip, root.Bool("strip", false));
  GATEHOUSE_ASSIGN(policy.images, root.Bool("images", false));
  if (policy.images && count(policy.message, FormatItem::Kind::kImages) != 1) {
    return ModelError("bad value", root.Where("message"), "one {\"images\": true}, since images is true",
                      "none or several");
  }
  if (!root.Has("role_names"))
    return ModelError("missing field", root.Where("role_names"), "an object", "nothing");
  const Fields roles(root["role_names"], root.Where("role_names"));
  GATEHOUSE_TRY(roles.OnlyKnown({"user", "assistant"}));
  GATEHOUSE_ASSIGN(policy.role_user, roles.String("user"));
  GATEHOUSE_ASSIGN(policy.role_assistant, roles.String("assistant"));
  GATEHOUSE_TRY(ReadVerdict(root, &policy));
  GATEHOUSE_ASSIGN(const Json* stop, root.List("stop"));
  for (const Json& token : *stop) {
    if (!token.is_string())
      return ModelError("bad value", root.Where("stop"), "a list of strings", ShortJson(*stop));
    policy.stop.push_back(token.get<std::string>());
  }
  GATEHOUSE_ASSIGN(const double longest, root.Number("max_prompt_tokens", 8192, 1, 1 << 24));
  policy.max_prompt_tokens = static_cast<int64_t>(longest);
  if (root_json.contains("threshold")) {
    policy.threshold = std::nullopt;  // null
    if (root.Has("threshold")) {
      GATEHOUSE_ASSIGN(policy.threshold, root.Number("threshold", 0.5, 0.0, 1.0));
    }
  }
  if (root.Has("calibration")) {
    const Fields calibration(root["calibration"], root.Where("calibration"));
    GATEHOUSE_TRY(calibration.OnlyKnown({"scale", "bias"}));
    GATEHOUSE_ASSIGN(policy.calibration_scale, calibration.Number("scale", 1.0, 1e-6, 1e6));
    GATEHOUSE_ASSIGN(policy.calibration_bias, calibration.Number("bias", 0.0, -1e6, 1e6));
  }
  return policy;
}

Result<std::vector<Category>> ChooseCategories(const Policy& policy, const CategoryChoice& choice,
                                               bool any_image) {
  std::vector<Category> out;
  std::set<std::string> seen;
  const auto find = [&](const std::string& key) {
    return std::find_if(policy.categories.begin(), policy.categories.end(),
                        [&](const Category& c) { return c.key == key; });
  };
  if (!choice.custom.empty()) {
    for (const auto& [key, text] : choice.custom) {
      if (key.empty() || key.find_first_of(",\n ") != std::string::npos) {
        return BadInput("bad category key", "categories", "a key without commas and spaces",
                        "\"" + key + "\"");
      }
      if (!seen.insert(key).second)
        return BadInput("category listed twice", "categories", "each key once", key);
      out.push_back(
          {.key = key, .name = text, .text = text, .description = {}, .text_only = false, .threshold = {}});
    }
  } else if (!choice.keys.empty()) {
    for (const std::string& key : choice.keys) {
      const auto found = find(key);
      if (found == policy.categories.end())
        return BadInput("unknown category", "categories", "a key of policy " + policy.name, key);
      if (!seen.insert(key).second)
        return BadInput("category listed twice", "categories", "each key once", key);
      out.push_back(*found);
    }
  } else {
    out = policy.categories;
    if (any_image)
      out.erase(std::remove_if(out.begin(), out.end(), [](const Category& c) { return c.text_only; }),
                out.end());
  }
  for (const std::string& key : choice.exclude) {
    const bool listed = std::any_of(out.begin(), out.end(), [&](const Category& c) { return c.key == key; });
    // A category that an image has dropped already may be excluded all the same.
    if (!listed && (!choice.custom.empty() || find(key) == policy.categories.end())) {
      return BadInput("unknown category", "exclude", "a key of the list", key);
    }
    out.erase(std::remove_if(out.begin(), out.end(), [&](const Category& c) { return c.key == key; }),
              out.end());
  }
  if (out.empty()) return BadInput("no category left", "categories", "at least one", "none");
  return out;
}

}  // namespace gatehouse

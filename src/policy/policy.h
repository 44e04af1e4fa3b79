// Policy: what a guard model is asked and how its answer is read, as data: categories, prompt format, verdict
// words. The two examples are models/policies/mlcommons-s14.json (Llama Guard 4) and
// models/starter/policy.json.
//
//   GATEHOUSE_ASSIGN(Policy policy, ParsePolicy(text, "policy.json"));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct Category {
  std::string key;   // "S1"
  std::string name;  // for people
  std::string text;  // for the prompt
  std::string description;
  bool text_only = false;  // left out of the default list when any message has an image
  std::optional<double> threshold;
};

// One step of a prompt format.
struct FormatItem {
  enum class Kind { kControl, kText, kMessages, kImages };
  Kind kind = Kind::kText;
  std::string value;  // of kControl and kText
};

struct VerdictWords {
  std::string safe;
  std::string unsafe;
  std::optional<std::string> lead;  // text of the optional leading token
  std::string separator;
  std::string list_separator;
};

struct Policy {
  std::string name;
  std::vector<Category> categories;
  std::string category_line;        // "{key}: {text}\n"
  std::vector<FormatItem> prompt;   // exactly one kMessages
  std::vector<FormatItem> message;  // of each message
  std::optional<std::string> join_text_parts;
  bool strip = false;
  std::string role_user;
  std::string role_assistant;
  bool images = false;
  VerdictWords verdict;
  std::vector<std::string> stop;  // control tokens that end an answer
  int64_t max_prompt_tokens = 8192;
  std::optional<double> threshold = 0.5;  // none: only the categories' own judge
  double calibration_scale = 1.0;
  double calibration_bias = 0.0;
};

// Errors: code (kModel for a model's own file), naming the field.
Result<Policy> ParsePolicy(std::string_view json, const std::string& name);

// What a request says about categories.
struct CategoryChoice {
  std::vector<std::pair<std::string, std::string>> custom;  // (key, text), replaces the list
  std::vector<std::string> keys;                            // a choice of the policy's, in this order
  std::vector<std::string> exclude;
  // Whether an image counts as there, where these messages are a part of a conversation; else they say it.
  std::optional<bool> any_image = std::nullopt;
};

// The categories of one request. A custom list or a choice of keys is taken as it is; the default list loses
// its text-only categories when there is an image. Errors: kBadInput: unknown keys, a key twice, nothing
// left.
Result<std::vector<Category>> ChooseCategories(const Policy& policy, const CategoryChoice& choice,
                                               bool any_image);

}  // namespace gatehouse

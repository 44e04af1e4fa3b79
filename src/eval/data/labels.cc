#include "eval/data/labels.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxFieldBytes = 64;

constexpr std::array<std::string_view, 7> kUnsafe = {"1",       "true",  "yes",    "unsafe",
                                                     "harmful", "toxic", "hateful"};
constexpr std::array<std::string_view, 10> kSafe = {
    "0", "false", "no", "safe", "harmless", "unharmful", "benign", "non-toxic", "non-hateful", "non-harmful"};

std::string Lower(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  std::string out(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void AddCategory(const std::string& theirs, const StringPairs& map, EvalRow* row) {
  std::string key = theirs;
  if (!map.empty()) {
    const auto at =
        std::find_if(map.begin(), map.end(), [&](const auto& pair) { return pair.first == theirs; });
    if (at == map.end()) {
      row->categories_known = false;
      return;
    }
    key = at->second;
  }
  if (std::find(row->categories.begin(), row->categories.end(), key) == row->categories.end())
    row->categories.push_back(std::move(key));
}

// ['a', "b's"]: how a list of strings looks in a CSV file that pandas wrote. Null: it is none.
OrderedJson ParsePythonList(std::string_view text) {
  OrderedJson list = OrderedJson::array();
  if (text.size() < 2 || text.back() != ']') return nullptr;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const char quote = text.front();
    const size_t end = quote == '\'' || quote == '"' ? text.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) return nullptr;
    const std::string_view item = text.substr(1, end - 1);
    if (item.find('\\') != std::string_view::npos) return nullptr;
    list.push_back(std::string(item));
    text.remove_prefix(end + 1);
    if (text.empty()) break;
    if (!text.starts_with(", ") || text.size() == 2) return nullptr;
    text.remove_prefix(2);
  }
  return list;
}

// One key, or a list in JSON or Python; null: neither.
OrderedJson ParseCategoryText(const std::string& text) {
  if (text.empty()) return OrderedJson::array();
  if (!text.starts_with('[')) return OrderedJson::array({text});
  auto list = ParseStrictJson(text, "", ErrorCode::kBadInput);
  return list.ok() ? std::move(list).value() : ParsePythonList(text);
}

}  // namespace

Result<bool> ParseLabel(const OrderedJson& value, const std::string& where) {
  if (value.is_boolean()) return value.get<bool>();
  std::string word;
  if (value.is_string()) {
    word = Lower(value.get_ref<const std::string&>());
  } else if (value.is_number()) {
    const double number = value.get<double>();
    if (number == 0 || number == 1) return number == 1;
  }
  if (std::find(kUnsafe.begin(), kUnsafe.end(), word) != kUnsafe.end()) return true;
  if (std::find(kSafe.begin(), kSafe.end(), word) != kSafe.end()) return false;
  return BadInput("unknown label", where, "safe or unsafe, 0 or 1, false or true", Describe(value));
}

Result<void> SetCategories(const OrderedJson* value, const StringPairs& map, const std::string& where,
                           EvalRow* row) {
  row->categories.clear();
  row->categories_known = true;
  OrderedJson list;
  if (value == nullptr || value->is_null()) {
    row->categories_known = !row->unsafe;
    return {};
  }
  list = value->is_string() ? ParseCategoryText(value->get_ref<const std::string&>()) : *value;
  const Error malformed = BadInput("malformed categories", where,
                                   "a key, a list of keys or an object of booleans", Describe(*value));
  if (list.is_object()) {
    for (const auto& [key, on] : list.items()) {
      if (!on.is_boolean()) return malformed;
      if (on.get<bool>()) AddCategory(key, map, row);
    }
  } else if (list.is_array()) {
    for (const OrderedJson& key : list) {
      if (!key.is_string()) return malformed;
      AddCategory(key.get<std::string>(), map, row);
    }
  } else {
    return malformed;
  }
  if (!row->unsafe) {
    row->categories.clear();
    row->categories_known = true;
  } else if (row->categories.empty()) {
    row->categories_known = false;
  }
  return {};
}

Result<std::string> TextMember(const OrderedJson& record, const std::string& key) {
  const auto at = record.find(key);
  if (at == record.end() || at->is_null()) return std::string();
  if (at->is_string()) return at->get<std::string>();
  if (at->is_number_integer()) return at->dump();
  return BadInput("malformed field", key, "a string", Describe(*at));
}

void TakeFields(const OrderedJson& record, const std::vector<std::string>& without, EvalRow* row) {
  for (const auto& [key, value] : record.items()) {
    if (std::find(without.begin(), without.end(), key) != without.end()) continue;
    if (value.is_string()) {
      if (value.get_ref<const std::string&>().size() <= kMaxFieldBytes)
        row->fields.emplace_back(key, value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      row->fields.emplace_back(key, value.dump());
    }
  }
}

}  // namespace gatehouse

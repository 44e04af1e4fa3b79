// The labelled categories of a row, in the many ways in which sets give them.
#include <algorithm>

#include "base/error.h"
#include "data/clean_text.h"
#include "data/labels.h"
#include "data/structured_cell.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxNames = 1024;  // of one row: more are no labels, and each is looked for among the others
constexpr std::string_view kSeparators = ",;|\n";

std::string Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

const std::string* KeyOf(const std::string& theirs, const StringPairs& map) {
  const auto at =
      std::find_if(map.begin(), map.end(), [&](const auto& pair) { return pair.first == theirs; });
  return at == map.end() ? nullptr : &at->second;
}

void AddOnce(std::string name, std::vector<std::string>* to) {
  if (std::find(to->begin(), to->end(), name) == to->end()) to->push_back(std::move(name));
}

void AddCategory(const std::string& theirs, const StringPairs& map, EvalRow* row) {
  const std::string* key = map.empty() ? &theirs : KeyOf(theirs, map);
  if (key != nullptr) return AddOnce(*key, &row->categories);
  row->categories_known = false;
  AddOnce(CleanText(theirs, kMaxNameBytes), &row->unlisted_categories);
}

// "S1, S2" or "Violence; Hate": the names between the separators. A name of the map may hold separators
// itself: of those that begin at one place the longest counts.
std::vector<std::string> NamesOf(const std::string& text, const StringPairs& map) {
  std::vector<size_t> begins = {0};
  for (size_t at = 0; (at = text.find_first_of(kSeparators, at)) != text.npos; ++at) begins.push_back(at + 1);
  begins.push_back(text.size() + 1);
  // No name spans more separators than the longest of the map has: the time stays linear in the text.
  size_t most = 1;
  for (const auto& [theirs, key] : map) {
    const auto separators = std::count_if(theirs.begin(), theirs.end(),
                                          [](char c) { return kSeparators.find(c) != kSeparators.npos; });
    most = std::max(most, 1 + static_cast<size_t>(separators));
  }
  std::vector<std::string> out;
  for (size_t i = 0; i + 1 < begins.size();) {
    const auto name = [&](size_t end) {
      return Trimmed(text.substr(begins[i], begins[end] - 1 - begins[i]));
    };
    size_t end = i + 1;
    if (!map.empty()) {
      end = std::min(begins.size() - 1, i + most);
      while (end > i + 1 && KeyOf(name(end), map) == nullptr) --end;
    }
    std::string found = name(end);
    if (!found.empty()) out.push_back(std::move(found));
    i = end;
  }
  return out;
}

// A text as names; null: it begins as a list and is none.
Json ParseCategoryText(const std::string& text, const StringPairs& map) {
  const std::string trimmed = Trimmed(text);
  if (trimmed.empty()) return Json::array();
  const bool list = trimmed.front() == '[' || trimmed.front() == '(' || trimmed.front() == '{';
  if (!list || KeyOf(trimmed, map) != nullptr) return NamesOf(text, map);
  const auto value = ParseCell(trimmed);
  return value && value->is_structured() ? *value : Json();
}

}  // namespace

Result<bool> SetCategories(const Json* value, const StringPairs& map, const std::string& where,
                           EvalRow* row) {
  row->categories.clear();
  row->unlisted_categories.clear();
  row->categories_known = true;
  if (value == nullptr || value->is_null()) {
    row->categories_known = !row->unsafe;
    return false;
  }
  const Json list =
      value->is_string() ? ParseCategoryText(value->get_ref<const std::string&>(), map) : *value;
  const Error malformed =
      BadInput("malformed categories", where,
               "a key, keys by commas, a list of keys or an object of booleans", ShortJson(*value));
  if (list.size() > kMaxNames)
    return BadInput("too many categories", where, "at most " + std::to_string(kMaxNames),
                    std::to_string(list.size()));
  if (list.is_object()) {
    for (const auto& [key, on] : list.items()) {
      if (!on.is_boolean()) return malformed;
      if (on.get<bool>()) AddCategory(key, map, row);
    }
  } else if (list.is_array()) {
    for (const Json& key : list) {
      if (!key.is_string()) return malformed;
      AddCategory(key.get<std::string>(), map, row);
    }
  } else {
    return malformed;
  }
  const bool any = !row->categories.empty() || !row->unlisted_categories.empty();
  if (!row->unsafe) {
    row->categories.clear();
    row->unlisted_categories.clear();
    row->categories_known = true;
  } else if (row->categories.empty()) {
    row->categories_known = false;
  }
  return any;
}

}  // namespace gatehouse

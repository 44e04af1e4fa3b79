#include "data/labels.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxFieldBytes = 64;

constexpr std::array<std::string_view, 9> kUnsafe = {"1",      "true",    "t",     "yes",    "y",
                                                     "unsafe", "harmful", "toxic", "hateful"};
constexpr std::array<std::string_view, 12> kSafe = {"0",      "false",     "f",           "no",
                                                    "n",      "safe",      "harmless",    "unharmful",
                                                    "benign", "non-toxic", "non-hateful", "non-harmful"};

// In small letters, with hyphens for the spaces and underscores inside.
std::string Lower(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  std::string out(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == ' ') c = '-';
  }
  return out;
}

// "1.0" and "0.00": numbers of tables whose column was once a fraction or had gaps.
std::string WithoutZeros(const std::string& word) {
  if (word.size() < 2 || (word[0] != '0' && word[0] != '1') || word[1] != '.' ||
      word.find_first_not_of('0', 2) != word.npos)
    return word;
  return word.substr(0, 1);
}

}  // namespace

Result<bool> ParseLabel(const Json& value, const std::string& where) {
  if (value.is_boolean()) return value.get<bool>();
  std::string word;
  if (value.is_string()) {
    word = WithoutZeros(Lower(value.get_ref<const std::string&>()));
  } else if (value.is_number()) {
    const double number = value.get<double>();
    if (number == 0 || number == 1) return number == 1;
  }
  if (std::find(kUnsafe.begin(), kUnsafe.end(), word) != kUnsafe.end()) return true;
  if (std::find(kSafe.begin(), kSafe.end(), word) != kSafe.end()) return false;
  return BadInput("unknown label", where, "safe or unsafe, 0 or 1, false or true", ShortJson(value));
}

Result<std::string> TextMember(const Json& record, const std::string& key) {
  const auto at = record.find(key);
  if (at == record.end() || at->is_null()) return std::string();
  if (at->is_string()) return at->get<std::string>();
  if (at->is_number_integer()) return at->dump();
  return BadInput("malformed field", key, "a string", ShortJson(*at));
}

void TakeFields(const Json& record, const std::vector<std::string>& without, EvalRow* row) {
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

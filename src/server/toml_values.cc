#include "server/toml_values.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxName = 64;

// What kind of value stands there, never the value: it may be a secret.
std::string KindOf(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

}  // namespace

Error WrongToml(const std::string& where, const std::string& expected, const toml::node& found) {
  return UsageError("malformed configuration", where, expected, KindOf(found));
}
Error UnknownToml(const std::string& where, const std::string& expected) {
  return UsageError("unknown member", where, expected, "another");
}

Result<std::string> TomlText(const toml::node& node, const std::string& where) {
  const auto text = node.value_exact<std::string>();
  if (!text || text->empty()) return WrongToml(where, "a string, not empty", node);
  return *text;
}
Result<std::vector<std::string>> TomlTexts(const toml::node& node, const std::string& where) {
  const toml::array* list = node.as_array();
  if (list == nullptr) return WrongToml(where, "a list of strings", node);
  std::vector<std::string> out;
  for (const toml::node& entry : *list) {
    GATEHOUSE_ASSIGN(std::string text, TomlText(entry, where));
    out.push_back(std::move(text));
  }
  return out;
}
Result<double> TomlShare(const toml::node& node, const std::string& where) {
  const auto number = node.value<double>();
  if (!node.is_number() || !number || !(*number >= 0 && *number <= 1))
    return WrongToml(where, "a number from 0 to 1", node);
  return *number;
}
Result<int64_t> TomlCount(const toml::node& node, const std::string& where) {
  const auto number = node.value_exact<int64_t>();
  if (!number || *number < 1) return WrongToml(where, "a whole number, at least 1", node);
  return *number;
}
Result<std::string> TomlName(const toml::node& node, const std::string& where) {
  GATEHOUSE_ASSIGN(std::string name, TomlText(node, where));
  const bool good = name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                             c == '-' || c == '_' || c == '.';
                    });
  if (!good)
    return UsageError("malformed name", where, "letters, digits, - _ and ., at most 64", "other characters");
  return name;
}

// A value as it would be written behind its flag.
Result<std::string> TomlFlag(const toml::node& node, const std::string& where) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto truth = node.value_exact<bool>()) return std::string(*truth ? "true" : "false");
  if (const auto real = node.value_exact<double>()) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, *real).ptr;
    return std::string(digits, end);
  }
  return WrongToml(where, "a string, a number, true or false, or a list of them", node);
}

}  // namespace gatehouse::server

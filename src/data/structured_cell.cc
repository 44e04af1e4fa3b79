#include "data/structured_cell.h"

#include <algorithm>

#include "base/error.h"
#include "data/python_literal.h"

namespace gatehouse {
namespace {

constexpr const char* kSpace = " \t\r\n";

// `[{'role'` or `[{"content"`, with or without spaces.
bool BeginsAsChat(std::string_view text) {
  for (const char c : {'[', '{'}) {
    const size_t at = text.find_first_not_of(kSpace);
    if (at == text.npos || text[at] != c) return false;
    text.remove_prefix(at + 1);
  }
  const size_t at = text.find_first_not_of(kSpace);
  if (at == text.npos || (text[at] != '\'' && text[at] != '"')) return false;
  const std::string_view key = text.substr(at + 1);
  return key.starts_with("role") || key.starts_with("content");
}

}  // namespace

std::optional<Json> ParseCell(const std::string& text) {
  auto json = ParseJson(text, "", ErrorCode::kBadInput);
  if (json.ok()) return std::move(json).value();
  return ParsePythonLiteral(text);
}

bool IsChat(const Json& value) {
  if (!value.is_array() || value.empty()) return false;
  return std::all_of(value.begin(), value.end(), [](const Json& message) {
    const auto role = message.is_object() ? message.find("role") : message.end();
    return role != message.end() && role->is_string();
  });
}

Result<std::optional<Json>> ChatOfCell(const std::string& text, const std::string& where) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos || text[first] != '[') return std::optional<Json>();
  std::optional<Json> value = ParseCell(text);
  if (value && IsChat(*value)) return value;
  if (!BeginsAsChat(text)) return std::optional<Json>();
  return BadInput("a text that begins as a list of messages and is none", where,
                  "a list of objects with role and content, in JSON or as Python prints it",
                  text.substr(0, 60));
}

}  // namespace gatehouse

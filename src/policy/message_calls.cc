#include "policy/message_calls.h"

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "policy/message_members.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

// The value of four hexadecimal digits behind "\u" at text[at]; none: -1.
int32_t EscapedUnit(std::string_view text, size_t at) {
  if (text.substr(at, 2) != "\\u" || text.size() - at < 6) return -1;
  int32_t value = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const int digit = lower >= '0' && lower <= '9'   ? lower - '0'
                      : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                     : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

}  // namespace

std::string ReadableJson(const std::string& text) {
  if (text.find("\\u") == std::string::npos || !Json::accept(text)) return text;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out.push_back(text[at++]);
      continue;
    }
    const int32_t unit = EscapedUnit(text, at);
    const bool high = unit >= 0xD800 && unit < 0xDC00;
    const int32_t low = high ? EscapedUnit(text, at + 6) : -1;
    if (high && low >= 0xDC00 && low < 0xE000) {
      AppendUtf8(static_cast<uint32_t>(0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)), &out);
      at += 12;
    } else if (unit >= 0x20 && unit != '"' && unit != '\\' && unit != 0x7F &&
               (unit < 0xD800 || unit > 0xDFFF)) {
      AppendUtf8(static_cast<uint32_t>(unit), &out);
      at += 6;
    } else {  // another escape is two characters, of which the second may be a backslash
      out.append(text, at, 2);
      at += 2;
    }
  }
  return out;
}

Result<void> ReadCall(const Json& call, const char* arguments_name, const std::string& where,
                      std::vector<Part>* out) {
  GATEHOUSE_ASSIGN(std::string text, RequiredText(call, "name", where));
  const auto arguments = call.find(arguments_name);
  text += "(";
  if (arguments != call.end() && arguments->is_string()) {
    text += ReadableJson(arguments->get_ref<const std::string&>());
  } else if (arguments != call.end() && !arguments->is_null()) {
    text += JsonLine(*arguments);
  }
  out->push_back(Part::Text(text + ")"));
  return {};
}

Result<void> ReadToolCalls(const Json& list, const ConversationOptions& options, const std::string& where,
                           std::vector<Part>* out) {
  if (!list.is_array()) return BadInput("malformed tool calls", where, "a list of calls", ShortJson(list));
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& entry = list[i];
    const std::string at = where + "[" + std::to_string(i) + "]";
    if (!entry.is_object())
      return BadInput("malformed tool call", at, "an object with a function", ShortJson(entry));
    GATEHOUSE_TRY(CheckMembers(entry, kToolCallMembers, options, at));
    const Json* function = Present(entry, "function");
    const Json* custom = Present(entry, "custom");
    const bool bare = Present(entry, "name") != nullptr || Present(entry, "arguments") != nullptr;
    if ((function != nullptr) + (custom != nullptr) + bare != 1)
      return BadInput("malformed tool call", at, "a function or a custom call, and one of them",
                      ShortJson(entry));
    if (bare) {
      GATEHOUSE_TRY(ReadCall(entry, "arguments", at, out));
      continue;
    }
    const Json& call = function != nullptr ? *function : *custom;
    const std::string inner = at + (function != nullptr ? ".function" : ".custom");
    if (!call.is_object())
      return BadInput("malformed tool call", inner, "an object with a name", ShortJson(call));
    GATEHOUSE_TRY(
        CheckMembers(call, function != nullptr ? kFunctionMembers : kCustomMembers, options, inner));
    GATEHOUSE_TRY(ReadCall(call, function != nullptr ? "arguments" : "input", inner, out));
  }
  return {};
}

}  // namespace gatehouse

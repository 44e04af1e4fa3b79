// The JSON that commands themselves read and write: small forms, kept out of the files that use them, because
// the library behind it is slow to compile.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::cli {

// {"KEY": "text", ...}, in order, not empty. name: for messages. Errors: kBadInput, here and below.
Result<std::vector<std::pair<std::string, std::string>>> ParseCategoriesJson(const std::string& text,
                                                                             const std::string& name);
// {"ids": [...]}, not empty, each below vocab.
Result<std::vector<int32_t>> ParseIdsJson(const std::string& text, const std::string& name, int vocab);
// {"text": ...}.
Result<std::string> ParseTextJson(const std::string& text, const std::string& name);

// Values as JSON writes them. A number that is not finite is null.
std::string JsonText(std::string_view text);
std::string JsonNumber(double number);
std::string JsonBool(bool value);
std::string JsonNumbers(const std::vector<int32_t>& numbers);
std::string JsonNumbers(const std::vector<int64_t>& numbers);
std::string JsonNumbers(const std::vector<uint8_t>& numbers);
// {"key":value,...}, from values as JSON.
std::string JsonObject(std::initializer_list<std::pair<const char*, std::string>> members);

}  // namespace gatehouse::cli

// The JSON that commands themselves read: small forms, kept out of the files that use them, because
// the library behind it is slow to compile.
#pragma once

#include <cstdint>
#include <string>
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

}  // namespace gatehouse::cli

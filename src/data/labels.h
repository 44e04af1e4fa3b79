// The pieces that every kind of row has: labels, categories, names and the fields to group by.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/row.h"
#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

// True: unsafe. value may be a word, 0 or 1 (also as text, also 1.0), or a boolean; null and all else are
// errors that name it. where: for messages.
Result<bool> ParseLabel(const Json& value, const std::string& where);

// The labelled categories of one row: null, a key, several by commas, semicolons, bars or lines, a list of
// keys, an object of booleans, or, in a string, such a list or object in JSON or as Python prints it. With an
// empty map they are keys already; what a map lacks goes to unlisted_categories and makes the row's
// categories unknown. A safe row has none, whatever the data says of its topic. True where the data names
// any.
Result<bool> SetCategories(const Json* value, const StringPairs& map, const std::string& where, EvalRow* row);

// A string, or a whole number as text; "" where the member is absent or null.
Result<std::string> TextMember(const Json& record, const std::string& key);

// Every scalar of the record as text, but strings of more than 64 bytes and the members named in without.
void TakeFields(const Json& record, const std::vector<std::string>& without, EvalRow* row);

}  // namespace gatehouse

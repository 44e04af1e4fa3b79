// Members of JSON objects as the text that stands in the file, for ids, which must come back as they went in:
// a parsed number of thirty digits, 1.0 or 1e5 would be written otherwise than it was read.
//
//   RawMember(R"({"id": 1e5, "messages": []})", "id");  // "1e5"
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace gatehouse {

// The value of the first member of this name; empty where there is none, or the text is no object. object
// must be well-formed JSON: of other text the result is some part of it, or empty.
std::string_view RawMember(std::string_view object, std::string_view key);

// The object without the members of these names; every other byte stays.
std::string WithoutMembers(std::string_view object, std::initializer_list<std::string_view> keys);

// JSON fit to be written into a line: line breaks between its parts, which can be no part of a string, as
// spaces.
std::string OnOneLine(std::string_view json);

// The id of one line or file of JSON, on one line. Empty where the text is no well-formed JSON object or has
// no id, or two. Nothing else about the object need be right.
std::string RawId(std::string_view json);

}  // namespace gatehouse

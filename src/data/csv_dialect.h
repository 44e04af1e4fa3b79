// How the columns of a file are parted: by commas, semicolons, tabs or bars.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// Of a first line such as "sep=;", as spreadsheets write it for one another: the separator.
std::optional<char> SeparatorLine(std::string_view line);

// By the header: what stands most often outside of quotes. The file's name decides where the header does not.
char SeparatorOfHeader(std::string_view header, std::string_view path);

}  // namespace gatehouse

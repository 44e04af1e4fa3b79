// The tags of a page that our own code wrote: every attribute quoted, nothing unescaped in text. Strict on
// purpose, so that text that breaks out of its place is noticed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

struct HtmlTag {
  std::string name;
  std::map<std::string, std::string> attributes;  // values as they are in the page, escaped
};

struct HtmlScan {
  std::vector<HtmlTag> tags;  // opening ones
  std::string style, script;  // what is in these two
  std::string problem;        // the first thing that is wrong, or empty
  int Count(std::string_view name) const;
};
// Checks that tags are closed in order and that each attribute is quoted.
HtmlScan ScanHtml(std::string_view page);

}  // namespace gatehouse

#include "policy/answer_text.h"

#include <algorithm>

namespace gatehouse {
namespace {

std::string Trim(std::string text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  return text;
}

// The separator without the white space that models are free with; itself where it is nothing else.
std::string Core(const std::string& separator) {
  const std::string core = Trim(separator);
  return core.empty() ? separator : core;
}

}  // namespace

void DecideByText(const std::string& answer, const VerdictWords& words,
                  const std::vector<Category>& categories, Verdict* verdict) {
  const std::string text = Trim(answer);
  verdict->categories.clear();
  if (text == words.safe) {
    verdict->unsafe = false;
    return;
  }
  verdict->unsafe = true;
  const std::string separator = Core(words.separator), between = Core(words.list_separator);
  const size_t head_end = text.find(separator);
  if (Trim(text.substr(0, head_end)) == words.unsafe && head_end != std::string::npos) {
    std::string rest = text.substr(head_end + separator.size());
    rest = rest.substr(0, rest.find('\n'));
    for (size_t begin = 0; begin <= rest.size();) {
      const size_t end = std::min(rest.find(between, begin), rest.size());
      const std::string key = Trim(rest.substr(begin, end - begin));
      const bool known =
          std::any_of(categories.begin(), categories.end(), [&](const Category& c) { return c.key == key; });
      if (!known) {
        verdict->categories.clear();
        break;
      }
      if (std::find(verdict->categories.begin(), verdict->categories.end(), key) == verdict->categories.end())
        verdict->categories.push_back(key);
      begin = end + between.size();
    }
  }
  if (verdict->categories.empty()) verdict->categories = {"unknown"};
}

}  // namespace gatehouse

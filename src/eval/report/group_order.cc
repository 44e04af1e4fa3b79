#include "eval/report/group_order.h"

#include <algorithm>

namespace gatehouse {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits at `at`, without leading zeros; `at` moves behind them.
std::string_view Digits(std::string_view text, size_t* at) {
  while (*at < text.size() && text[*at] == '0') ++*at;
  const size_t begin = *at;
  while (*at < text.size() && IsDigit(text[*at])) ++*at;
  return text.substr(begin, *at - begin);
}

std::vector<const GroupFigures*> Pointers(const std::vector<GroupFigures>& groups) {
  std::vector<const GroupFigures*> out;
  out.reserve(groups.size());
  for (const GroupFigures& group : groups) out.push_back(&group);
  return out;
}

}  // namespace

bool NaturallyBefore(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      const std::string_view first = Digits(a, &i), second = Digits(b, &j);
      if (first.size() != second.size()) return first.size() < second.size();
      if (first != second) return first < second;
      continue;
    }
    if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
    ++i;
    ++j;
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "S1" and "S01"
}

std::vector<const GroupFigures*> ByName(const std::vector<GroupFigures>& groups) {
  std::vector<const GroupFigures*> out = Pointers(groups);
  std::stable_sort(out.begin(), out.end(), [](const GroupFigures* a, const GroupFigures* b) {
    return NaturallyBefore(a->name, b->name);
  });
  return out;
}

std::vector<const GroupFigures*> InOrder(const Dimension& dimension) {
  std::vector<const GroupFigures*> out = ByName(dimension.groups);
  if (dimension.name == "category") return out;
  std::stable_sort(out.begin(), out.end(),
                   [](const GroupFigures* a, const GroupFigures* b) { return a->figures.n > b->figures.n; });
  return out;
}

const Dimension* FindDimension(const Report& report, std::string_view name) {
  for (const Dimension& dimension : report.dimensions)
    if (dimension.name == name) return &dimension;
  return nullptr;
}

const GroupFigures* FindGroup(const std::vector<GroupFigures>& groups, std::string_view name) {
  for (const GroupFigures& group : groups)
    if (group.name == name) return &group;
  return nullptr;
}

std::string GroupTitle(const GroupFigures& group) { return group.name.empty() ? "(none)" : group.name; }

std::string CategoryTitle(const Report& report, const std::string& key) {
  for (const auto& [name, title] : report.category_names)
    if (name == key && !title.empty() && title != key) return key + " " + title;
  return key;
}

std::string UnlistedCategories(const Report& report) {
  constexpr size_t kShown = 10;
  auto names = report.unlisted_categories;
  std::stable_sort(names.begin(), names.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    out += (i > 0 ? ", " : "") + names[i].first + " (" + std::to_string(names[i].second) + ")";
  if (names.size() > kShown) out += " and " + std::to_string(names.size() - kShown) + " others";
  return out;
}

}  // namespace gatehouse

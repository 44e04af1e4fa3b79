#include "eval/report/series.h"

#include <algorithm>
#include <unordered_map>

#include "eval/report/group_order.h"

namespace gatehouse {
namespace {

using GroupList = std::vector<const GroupFigures*>;

// GroupList of several reports, in the order of the first one that has them.
std::vector<SharedGroup> Matched(std::span<const Report> reports, const std::vector<GroupList>& groups,
                                 bool category) {
  std::vector<SharedGroup> out;
  std::unordered_map<std::string_view, size_t> place;
  for (size_t i = 0; i < groups.size(); ++i) {
    for (const GroupFigures* group : groups[i]) {
      const auto [found, added] = place.try_emplace(group->name, out.size());
      if (added)
        out.push_back({category ? CategoryTitle(reports[i], group->name) : GroupTitle(*group),
                       GroupList(groups.size(), nullptr)});
      out[found->second].of_reports[i] = group;
    }
  }
  if (category)
    std::stable_sort(out.begin(), out.end(), [](const SharedGroup& a, const SharedGroup& b) {
      return NaturallyBefore(a.title, b.title);
    });
  return out;
}

}  // namespace

std::string SeriesLetter(size_t index) {
  if (index < 26) return std::string(1, static_cast<char>('A' + index));
  return std::to_string(index + 1);
}

std::vector<SharedDimension> SharedDimensions(std::span<const Report> reports) {
  std::vector<SharedDimension> out;
  std::vector<std::string> names;
  for (const Report& report : reports)
    for (const Dimension& dimension : report.dimensions) {
      bool known = false;
      for (const std::string& name : names) known = known || name == dimension.name;
      if (!known) names.push_back(dimension.name);
    }
  for (const std::string& name : names) {
    std::vector<GroupList> groups;
    for (const Report& report : reports) {
      const Dimension* dimension = FindDimension(report, name);
      groups.push_back(dimension != nullptr ? InOrder(*dimension) : GroupList());
    }
    SharedDimension shared{name, Matched(reports, groups, name == "category")};
    if (!shared.groups.empty()) out.push_back(std::move(shared));
  }
  return out;
}

SharedDimension SharedAgainstRest(std::span<const Report> reports) {
  std::vector<GroupList> groups;
  for (const Report& report : reports) groups.push_back(ByName(report.category_against_rest));
  return {"category against rest", Matched(reports, groups, true)};
}

std::string VerdictOn(const FigureDifferences::Difference& difference, bool higher_is_better) {
  const bool above = difference.interval.low > 0, below = difference.interval.high < 0;
  if (!above && !below) return "no clear difference";
  return above == higher_is_better ? "better" : "worse";
}

}  // namespace gatehouse

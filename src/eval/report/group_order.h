// The order in which groups are shown: categories by their key (S1, S2, ... S10), all others by size, the
// largest first.
#pragma once

#include <string_view>
#include <vector>

#include "eval/report/report.h"

namespace gatehouse {

// Runs of digits compare as numbers; a total order.
bool NaturallyBefore(std::string_view a, std::string_view b);

std::vector<const GroupFigures*> ByName(const std::vector<GroupFigures>& groups);
std::vector<const GroupFigures*> InOrder(const Dimension& dimension);

// The dimension of this name, or null.
const Dimension* FindDimension(const Report& report, std::string_view name);
const GroupFigures* FindGroup(const std::vector<GroupFigures>& groups, std::string_view name);
// The name for people; "(none)" where the data gave none.
std::string GroupTitle(const GroupFigures& group);
// "S1 Violent crimes", or the key alone.
std::string CategoryTitle(const Report& report, const std::string& key);
// Labelled names that are no keys, the most frequent first: "spam (12), theft (3) and 4 others".
std::string UnlistedCategories(const Report& report);

}  // namespace gatehouse

// The sentence under the heading of a section, where both pages have the section.
#pragma once

namespace gatehouse {

inline constexpr char kFiguresLead[] = "Over all rows; the band under each figure is its interval.";
inline constexpr char kCurvesLead[] = "Every threshold at once. Point at a curve to read one off.";
inline constexpr char kCategoriesLead[] =
    "The verdict, whatever category it names, over the rows of each category.";
inline constexpr char kAgainstRestLead[] =
    "Each category as a classifier of its own, over rows whose categories are known. “Rows” counts those "
    "labelled with it.";
inline constexpr char kConfusionLead[] =
    "Rows labelled with exactly one category, and the first category that was said. Colour is the share of "
    "the "
    "row.";
inline constexpr char kGroupsLead[] =
    "The same figures for every other way to divide the rows, the largest groups first.";
inline constexpr char kLatencyLead[] = "Time for one row.";

}  // namespace gatehouse

#include "eval/figures/sorted_rows.h"

#include <algorithm>

namespace gatehouse {

std::vector<SortedRow> SortRows(const ScoredRows& rows) {
  std::vector<SortedRow> sorted;
  sorted.reserve(rows.n);
  for (size_t i = 0; i < rows.n; ++i) {
    const bool predicted = rows.predicted != nullptr && rows.predicted[i] != 0;
    sorted.emplace_back(rows.scores[i], i, rows.labels[i] != 0, predicted);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

ClassCounts CountClasses(const ScoredRows& rows) {
  ClassCounts counts;
  for (size_t i = 0; i < rows.n; ++i) ++(rows.labels[i] != 0 ? counts.unsafe : counts.safe);
  return counts;
}

}  // namespace gatehouse

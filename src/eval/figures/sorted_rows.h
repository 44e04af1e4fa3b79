// Rows sorted by score, the base of every figure that looks at scores. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "eval/figures/figures.h"

namespace gatehouse {

// 16 bytes that hold all of a row, so that a walk reads memory in order and only once.
class SortedRow {
 public:
  SortedRow(double score, size_t row, bool label, bool predicted)
      : score_(score), packed_((uint64_t{row} << 2) | (uint64_t{label} << 1) | uint64_t{predicted}) {}

  double score() const { return score_; }
  size_t row() const { return static_cast<size_t>(packed_ >> 2); }
  uint32_t label() const { return static_cast<uint32_t>(packed_ >> 1) & 1; }
  uint32_t predicted() const { return static_cast<uint32_t>(packed_) & 1; }
  // label * 2 + predicted: the cell of the confusion matrix.
  uint32_t cell() const { return static_cast<uint32_t>(packed_) & 3; }

  // By score, equal scores in row order (the row number is the high part of packed_).
  friend bool operator<(const SortedRow& a, const SortedRow& b) {
    if (a.score_ != b.score_) return a.score_ < b.score_;
    return a.packed_ < b.packed_;
  }

 private:
  double score_;
  uint64_t packed_;
};

static_assert(sizeof(SortedRow) == 16);

// From the lowest score up.
std::vector<SortedRow> SortRows(const ScoredRows& rows);

struct ClassCounts {
  int64_t unsafe = 0, safe = 0;
};
ClassCounts CountClasses(const ScoredRows& rows);

// Calls visit(threshold, tp, fp) for each distinct score as threshold (score >= threshold), from the highest
// down, until visit returns false.
template <typename Visit>
void ForEachThreshold(const std::vector<SortedRow>& sorted, Visit&& visit) {
  int64_t tp = 0, fp = 0;
  for (size_t i = sorted.size(); i-- > 0;) {
    tp += sorted[i].label();
    fp += 1 - sorted[i].label();
    const bool last_of_score = i == 0 || sorted[i - 1].score() != sorted[i].score();
    if (last_of_score && !visit(sorted[i].score(), tp, fp)) return;
  }
}

}  // namespace gatehouse

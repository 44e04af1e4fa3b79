// All figures of rows that count several times each, in one walk over the sorted rows. Internal to this
// folder.
//
// One code computes the figures of a data set (every weight 1) and of a resample of it (weights: how often
// each row was drawn), so the two agree without sorting the resample.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "eval/figures/figures.h"
#include "eval/figures/sorted_rows.h"

namespace gatehouse {

inline constexpr int kEceBins = 15;

// `total` is the sum of weight(row), an uint32_t, over all rows.
template <typename Weight>
BinaryFigures WeightedFigures(const std::vector<SortedRow>& sorted, int64_t total, Weight&& weight) {
  int64_t cells[4] = {};
  // The walk goes from the highest score down, as average precision wants it. The bins of the calibration
  // error are then met from the last to the first; their sizes follow from the total alone.
  int64_t seen = 0, seen_unsafe = 0;      // so far
  int64_t before = 0, before_unsafe = 0;  // above the scores equal to this one
  int64_t twice_pairs_won = 0;            // of (unsafe, safe), twice: a tie is half a pair
  double precision_sum = 0;
  int64_t bin = std::min<int64_t>(kEceBins, total) - 1;
  const auto bin_size = [total](int64_t b) { return total / kEceBins + (b < total % kEceBins ? 1 : 0); };
  int64_t left = bin_size(bin);
  int64_t bin_unsafe = 0;
  double bin_scores = 0, gap_sum = 0;

  for (size_t i = sorted.size(); i-- > 0;) {
    const SortedRow& row = sorted[i];
    const int64_t count = weight(row.row());
    const int64_t unsafe = row.label() != 0 ? count : 0;
    cells[row.cell()] += count;
    seen += count;
    seen_unsafe += unsafe;

    // A row drawn several times may lie on the border of bins.
    for (int64_t rest = count; rest > 0;) {
      const int64_t taken = std::min(rest, left);
      bin_scores += static_cast<double>(taken) * row.score();
      bin_unsafe += row.label() != 0 ? taken : 0;
      rest -= taken;
      left -= taken;
      if (left > 0) continue;
      gap_sum += std::abs(bin_scores - static_cast<double>(bin_unsafe));
      bin_scores = 0;
      bin_unsafe = 0;
      left = bin_size(--bin);
    }

    if (i > 0 && sorted[i - 1].score() == row.score()) continue;
    const int64_t step_unsafe = seen_unsafe - before_unsafe;
    const int64_t step_safe = (seen - before) - step_unsafe;
    if (step_unsafe > 0) {
      precision_sum +=
          static_cast<double>(step_unsafe) * (static_cast<double>(seen_unsafe) / static_cast<double>(seen));
    }
    twice_pairs_won += step_safe * (2 * before_unsafe + step_unsafe);
    before = seen;
    before_unsafe = seen_unsafe;
  }

  BinaryFigures figures = FiguresOfCounts(cells[3], cells[1], cells[0], cells[2]);
  const double unsafe = static_cast<double>(seen_unsafe), safe = static_cast<double>(seen - seen_unsafe);
  if (unsafe > 0) figures.auprc = precision_sum / unsafe;
  if (unsafe > 0 && safe > 0) figures.auroc = static_cast<double>(twice_pairs_won) / 2 / unsafe / safe;
  if (total > 0) figures.ece = gap_sum / static_cast<double>(total);
  return figures;
}

// Each row once.
inline BinaryFigures UnweightedFigures(const std::vector<SortedRow>& sorted) {
  return WeightedFigures(sorted, static_cast<int64_t>(sorted.size()), [](size_t) { return uint32_t{1}; });
}

}  // namespace gatehouse

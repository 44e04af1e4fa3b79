// Byte-pair merging of one piece.
#pragma once

#include <cstdint>
#include <vector>

#include "text/merge_table.h"

namespace gatehouse {

// symbols: the piece's bytes as token ids. Merges the pair of lowest rank, leftmost first, until none merges,
// and appends the result to ids. O(n log n) for any piece. symbols is used up.
void MergePairs(const MergeTable& merges, std::vector<int32_t>& symbols, std::vector<int32_t>* ids);

}  // namespace gatehouse

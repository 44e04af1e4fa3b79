#include "engine/token_units.h"

#include <algorithm>

namespace gatehouse {

TokenUnits UnitsOf(const TokenInput& input, int32_t begin, int32_t end) {
  TokenUnits units;
  units.reserve(static_cast<size_t>(std::max(end - begin, 0)));
  for (int32_t i = begin; i < end; ++i) {
    const size_t at = static_cast<size_t>(i);
    const int32_t row = input.embedding_rows.empty() ? -1 : input.embedding_rows[at];
    if (row < 0) {
      units.push_back({input.ids[at], false, {}});
      continue;
    }
    // The last picture that begins at or before the row.
    const auto behind = std::upper_bound(
        input.pictures.begin(), input.pictures.end(), row,
        [](int32_t wanted, const TokenInput::Picture& picture) { return wanted < picture.first_row; });
    if (behind == input.pictures.begin()) break;
    const TokenInput::Picture& picture = *std::prev(behind);
    units.push_back({row - picture.first_row, true, picture.digest});
  }
  return units;
}

int32_t CommonTokens(const TokenUnits& a, const TokenUnits& b) {
  return static_cast<int32_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace gatehouse

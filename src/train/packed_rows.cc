#include "train/packed_rows.h"

#include <algorithm>

namespace gatehouse::train {

int64_t PackedRows::longest() const {
  int64_t most = 0;
  for (const Segment& segment : segments) most = std::max(most, segment.count);
  return most;
}

std::vector<int32_t> PackedRows::Positions() const {
  std::vector<int32_t> out;
  out.reserve(static_cast<size_t>(rows()));
  for (int64_t row = 0; row < prefix; ++row) out.push_back(static_cast<int32_t>(row));
  for (const Segment& segment : segments) {
    for (int64_t at = 0; at < segment.count; ++at) out.push_back(static_cast<int32_t>(prefix + at));
  }
  return out;
}

PackedRows Pack(int64_t prefix, const std::vector<int64_t>& lengths) {
  PackedRows out;
  out.prefix = prefix;
  int64_t row = prefix;
  for (const int64_t length : lengths) {
    out.segments.push_back({row, length});
    row += length;
  }
  return out;
}

}  // namespace gatehouse::train

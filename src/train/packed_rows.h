// PackedRows: which rows of a batch belong together. A batch is one prefix that all its conversations begin
// with, computed once, and the conversations' own rows behind it, one after the other; gradients of all of
// them go through the prefix.
//
//   rows 0 .. prefix - 1             positions 0 .. prefix - 1
//   rows of conversation c           positions prefix, prefix + 1, ..
//
// A row sees the prefix and the rows of its own conversation up to itself. What it sees is therefore two runs
// of rows, and no mask of rows times rows exists anywhere.
#pragma once

#include <cstdint>
#include <vector>

namespace gatehouse::train {

struct PackedRows {
  struct Segment {
    int64_t first;  // row
    int64_t count;
  };
  // What one row sees, as two runs of rows: [prefix_begin, prefix_end) of the prefix, then [own_begin,
  // itself].
  struct Seen {
    int64_t prefix_begin, prefix_end, own_begin;
  };

  int64_t prefix = 0;             // rows of it; 0: none, every conversation is whole
  std::vector<Segment> segments;  // the conversations' own rows, in order, without gaps

  int64_t rows() const { return segments.empty() ? prefix : segments.back().first + segments.back().count; }
  int64_t longest() const;                 // rows of the longest conversation
  std::vector<int32_t> Positions() const;  // [rows]

  // Of row first + at of a conversation. chunk: rows see only those whose position divided by it is theirs;
  // 0: no such bound.
  Seen SeenBy(const Segment& segment, int64_t at, int64_t chunk) const {
    const int64_t position = prefix + at;
    const int64_t from = chunk > 0 ? position / chunk * chunk : 0;
    if (from >= prefix) return {prefix, prefix, segment.first + from - prefix};
    return {from, prefix, segment.first};
  }
  // Of a row of the prefix itself, which is like a conversation without one.
  static Seen SeenInPrefix(int64_t row, int64_t chunk) { return {0, 0, chunk > 0 ? row / chunk * chunk : 0}; }
};

// Conversations of these lengths behind a prefix of that.
PackedRows Pack(int64_t prefix, const std::vector<int64_t>& lengths);

}  // namespace gatehouse::train

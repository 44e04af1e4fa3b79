// One query head's keys and values as the kernels' products take them, and the way through a batch's rows.
// For train/cpu_attention*.cc alone.
//
// The keys that a block of rows may see are columns: those of the prefix first, then, from a multiple of 32
// on, those of the block's own conversation. Scores of a block are one matrix [rows][columns], whose softmax
// is one, whatever part a column belongs to; columns that a row does not see have probability 0.
#pragma once

#include <algorithm>
#include <cstdint>

#include "train/cpu_parts.h"

namespace gatehouse::train::cpu {

constexpr int64_t kAttentionRows = 64;  // of a block

inline int64_t RoundUp(int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

// Columns 0 .. capacity - 1 of a head's keys, or values, in up to two forms of panels.
class HeadColumns {
 public:
  HeadColumns(const LinearKernel& kernel, int64_t head_dim, int64_t capacity, float* by_column, float* by_dim)
      : kernel_(kernel), dim_(head_dim), capacity_(capacity), by_column_(by_column), by_dim_(by_dim) {}
  static int64_t Elements(int64_t head_dim, int64_t capacity) { return RoundUp(head_dim) * capacity; }

  // Columns first .. first + count from rows of k or v, and zeros up to a multiple of 32. Each row of the
  // head begins row_stride floats after the one before. first: a multiple of 32.
  void Fill(const float* rows, int64_t row_stride, int64_t first, int64_t count) const {
    for (int64_t at = 0; at < count; at += kPanel) {
      const int64_t some = std::min<int64_t>(kPanel, count - at);
      const float* from = rows + at * row_stride;
      if (by_column_ != nullptr) {
        kernel_.pack_f32(from, row_stride, static_cast<int>(some), dim_, by_column_ + (first + at) * dim_);
      }
      if (by_dim_ == nullptr) continue;
      for (int64_t d = 0; d < dim_; d += kPanel)
        CopyByDim(from + d, row_stride, some, std::min<int64_t>(kPanel, dim_ - d),
                  by_dim_ + d * capacity_ + (first + at) * kPanel);
    }
  }

  // 32 columns as the outputs of a product over the head's dimensions: [head_dim][32].
  const float* ByColumn(int64_t panel) const { return by_column_ + panel * dim_ * kPanel; }
  // 32 dimensions as the outputs of a product over columns: [columns][32].
  const float* ByDim(int64_t panel) const { return by_dim_ + panel * capacity_ * kPanel; }

 private:
  // rows [count][width] -> to [32][32], zero where nothing is.
  static void CopyByDim(const float* rows, int64_t row_stride, int64_t count, int64_t width, float* to) {
    if (count < kPanel || width < kPanel) std::fill_n(to, kPanel * kPanel, 0.0f);
    for (int64_t row = 0; row < count; ++row) std::copy_n(rows + row * row_stride, width, to + row * kPanel);
  }

  const LinearKernel& kernel_;
  int64_t dim_, capacity_;
  float* by_column_;  // [capacity / 32][head_dim][32], or null
  float* by_dim_;     // [head_dim / 32][capacity][32], or null
};

// Some rows of one conversation, or of the prefix.
struct RowBlock {
  const PackedRows* packed;
  PackedRows::Segment segment;
  bool in_prefix;
  int64_t chunk;
  int64_t first_row, rows;
  int64_t own_column;  // where the columns of the segment's own rows begin
  int64_t columns;     // that one of the rows may see

  // The runs of columns that row `at` of the block sees.
  template <typename Body>
  void ForSeen(int64_t at, Body body) const {  // body(first column, end column), at most twice
    const int64_t in_segment = first_row + at - segment.first;
    const PackedRows::Seen seen =
        in_prefix ? PackedRows::SeenInPrefix(in_segment, chunk) : packed->SeenBy(segment, in_segment, chunk);
    if (seen.prefix_begin < seen.prefix_end) body(seen.prefix_begin, seen.prefix_end);
    body(own_column + seen.own_begin - segment.first, own_column + in_segment + 1);
  }
};

inline int64_t ColumnCapacity(const PackedRows& rows) {
  return RoundUp(rows.prefix) + RoundUp(std::max<int64_t>(1, rows.longest()));
}

// The prefix first, then every conversation: fill(first row, rows, first column) once for each, then its
// blocks.
template <typename Fill, typename Body>
void ForBlocks(const PackedRows& packed, int64_t chunk, Fill fill, Body body) {
  const auto segment = [&](PackedRows::Segment one, bool in_prefix) {
    const int64_t own_column = in_prefix ? 0 : RoundUp(packed.prefix);
    fill(one.first, one.count, own_column);
    for (int64_t at = 0; at < one.count; at += kAttentionRows) {
      const int64_t rows = std::min(kAttentionRows, one.count - at);
      body(
          RowBlock{&packed, one, in_prefix, chunk, one.first + at, rows, own_column, own_column + at + rows});
    }
  };
  if (packed.prefix > 0) segment({0, packed.prefix}, true);
  for (const PackedRows::Segment& one : packed.segments) segment(one, false);
}

// scores [block rows][stride]: in place probabilities over what each row sees, 0 elsewhere up to `columns`.
void SoftmaxBlock(const Context& context, const RowBlock& block, float scale, int64_t stride, float* scores);

// y [rows][stride] = x times the panels of 32 columns, as many as the block has.
void ScoreBlock(const LinearKernel& kernel, ThreadScratch& scratch, const RowBlock& block, const float* x,
                int64_t x_stride, int64_t head_dim, const HeadColumns& columns, int64_t stride, float* y);
// y [rows] (head_dim values each, y_stride apart) = scores over the block's columns.
void SumBlock(const LinearKernel& kernel, ThreadScratch& scratch, const RowBlock& block, const float* scores,
              int64_t stride, const HeadColumns& columns, int64_t head_dim, float* y, int64_t y_stride);

}  // namespace gatehouse::train::cpu

// Attention of packed rows: one query head is a thread's work, its scores products of a block of rows with
// panels of keys. No score outlives its block.
#include "train/cpu_attention.h"

#include <limits>

namespace gatehouse::train::cpu {

void SoftmaxBlock(const Context& context, const RowBlock& block, float scale, int64_t stride, float* scores) {
  const BackKernel& kernel = *context.back;
  for (int64_t at = 0; at < block.rows; ++at) {
    float* row = scores + at * stride;
    float largest = -std::numeric_limits<float>::infinity();
    block.ForSeen(at, [&](int64_t first, int64_t end) {
      largest = std::max(largest, kernel.largest(row + first, end - first));
    });
    float sum = 0;
    int64_t done = 0;
    block.ForSeen(at, [&](int64_t first, int64_t end) {
      std::fill(row + done, row + first, 0.0f);
      sum += kernel.exponentials(row + first, end - first, scale, largest);
      done = end;
    });
    std::fill(row + done, row + block.columns, 0.0f);
    context.vector->scale(row, 1.0f / sum, block.columns, row);
  }
}

void ScoreBlock(const LinearKernel& kernel, ThreadScratch& scratch, const RowBlock& block, const float* x,
                int64_t x_stride, int64_t head_dim, const HeadColumns& columns, int64_t stride, float* y) {
  void* work = KernelScratch(kernel, scratch, block.rows, head_dim);
  for (int64_t panel = 0; panel * kPanel < block.columns; ++panel) {
    kernel.run(x, x_stride, block.rows, head_dim, columns.ByColumn(panel), y + panel * kPanel, stride, kPanel,
               work);
  }
}

void SumBlock(const LinearKernel& kernel, ThreadScratch& scratch, const RowBlock& block, const float* scores,
              int64_t stride, const HeadColumns& columns, int64_t head_dim, float* y, int64_t y_stride) {
  void* work = KernelScratch(kernel, scratch, block.rows, block.columns);
  for (int64_t first = 0; first < head_dim; first += kPanel) {
    const int width = static_cast<int>(std::min<int64_t>(kPanel, head_dim - first));
    kernel.run(scores, stride, block.rows, block.columns, columns.ByDim(first / kPanel), y + first, y_stride,
               width, work);
  }
}

void RunAttention(const Context& context, const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v,
                  Mat out) {
  const int64_t dim = shape.head_dim, capacity = ColumnCapacity(rows);
  const int64_t elements = HeadColumns::Elements(dim, capacity);
  const int group = shape.heads / shape.kv_heads;
  context.pool->For(shape.heads, [&](int64_t head, int thread) {
    ThreadScratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const LinearKernel& kernel = *context.exact;
    const HeadColumns keys(kernel, dim, capacity, scratch.attention[0].GetAs<float>(elements), nullptr);
    const HeadColumns values(kernel, dim, capacity, nullptr, scratch.attention[1].GetAs<float>(elements));
    float* scores = scratch.attention[2].GetAs<float>(kAttentionRows * capacity);
    const int64_t at = head * dim, kv_at = head / group * dim;
    ForBlocks(
        rows, shape.chunk,
        [&](int64_t first, int64_t count, int64_t column) {
          keys.Fill(RowOf(k, first) + kv_at, k.cols, column, count);
          values.Fill(RowOf(v, first) + kv_at, v.cols, column, count);
        },
        [&](const RowBlock& block) {
          ScoreBlock(kernel, scratch, block, RowOf(q, block.first_row) + at, q.cols, dim, keys, capacity,
                     scores);
          SoftmaxBlock(context, block, shape.scale, capacity, scores);
          SumBlock(kernel, scratch, block, scores, capacity, values, dim, RowOf(out, block.first_row) + at,
                   out.cols);
        });
  });
}

}  // namespace gatehouse::train::cpu

// Gradients of attention. With P = softmax(scale Q K^T) and O = P V:
//   dP = dO V^T,  dS = scale P (dP - rowsum(P dP)),  dQ = dS K,  dK = dS^T Q,  dV = P^T dO
// P is computed again, block by block. One query head is a thread's work; what several heads give one head of
// keys is kept apart and added in their order, so that no sum depends on the threads.
#include <utility>

#include "train/cpu_attention.h"

namespace gatehouse::train::cpu {
namespace {

// Everything of one query head.
class HeadBack {
 public:
  HeadBack(const Context& context, ThreadScratch& scratch, const PackedRows& rows, const HeadShape& shape)
      : kernel_(*context.exact),
        scratch_(scratch),
        rows_(rows),
        shape_(shape),
        dim_(shape.head_dim),
        capacity_(ColumnCapacity(rows)),
        keys_(MakeColumns(0)),
        values_(MakeColumns(2)),
        p_(scratch.attention[4].GetAs<float>(kAttentionRows * capacity_)),
        ds_(scratch.attention[5].GetAs<float>(kAttentionRows * capacity_)),
        turned_(scratch.attention[6].GetAs<float>(kAttentionRows * capacity_)),
        inputs_(scratch.attention[7].GetAs<float>(kAttentionRows * kPanel)) {}

  // partial_k and partial_v [rows, heads * head_dim], zero.
  void Run(int64_t head, Mat q, Mat k, Mat v, Mat dout, Mat dq, Mat partial_k, Mat partial_v) {
    const int64_t at = head * dim_, kv_at = head / (shape_.heads / shape_.kv_heads) * dim_;
    ForBlocks(
        rows_, shape_.chunk,
        [&](int64_t first, int64_t count, int64_t column) {
          keys_.Fill(RowOf(k, first) + kv_at, k.cols, column, count);
          values_.Fill(RowOf(v, first) + kv_at, v.cols, column, count);
        },
        [&](const RowBlock& block) {
          const float* queries = RowOf(q, block.first_row) + at;
          const float* gradient = RowOf(dout, block.first_row) + at;
          ScoreBlock(kernel_, scratch_, block, queries, q.cols, dim_, keys_, capacity_, p_);
          SoftmaxBlock(block, shape_.scale, capacity_, p_);
          ScoreBlock(kernel_, scratch_, block, gradient, dout.cols, dim_, values_, capacity_, ds_);
          BackThroughSoftmax(block);
          SumBlock(kernel_, scratch_, block, ds_, capacity_, keys_, dim_, RowOf(dq, block.first_row) + at,
                   dq.cols);
          AddTurned(block, ds_, queries, q.cols, at, partial_k);
          AddTurned(block, p_, gradient, dout.cols, at, partial_v);
        });
  }

 private:
  HeadColumns MakeColumns(size_t first) {
    const int64_t elements = HeadColumns::Elements(dim_, capacity_);
    float* by_column = scratch_.attention[first].GetAs<float>(elements);
    return {dim_, capacity_, by_column, scratch_.attention[first + 1].GetAs<float>(elements)};
  }

  // ds_ holds dP and gets dS.
  void BackThroughSoftmax(const RowBlock& block) const {
    for (int64_t at = 0; at < block.rows; ++at) {
      const float* p = p_ + at * capacity_;
      float* ds = ds_ + at * capacity_;
      // Where P is 0 for a column that is not seen, dP is of a key that is there, or of zeros: a finite
      // number.
      double along = 0;
      for (int64_t i = 0; i < block.columns; ++i) along += double{p[i]} * ds[i];
      const auto mean = static_cast<float>(along);
      for (int64_t i = 0; i < block.columns; ++i) ds[i] = shape_.scale * p[i] * (ds[i] - mean);
    }
  }

  // to[row behind column c] += sum over the block's rows of scores[row][c] * x[row]
  void AddTurned(const RowBlock& block, const float* scores, const float* x, int64_t x_stride, int64_t at,
                 Mat to) {
    for (int64_t row = 0; row < block.rows; ++row) {
      for (int64_t i = 0; i < block.columns; ++i)
        turned_[i * kAttentionRows + row] = scores[row * capacity_ + i];
    }
    float* tile = scratch_.tile.GetAs<float>(block.columns * kPanel);
    void* work = KernelScratch(kernel_, scratch_, block.columns, block.rows);
    for (int64_t first = 0; first < dim_; first += kPanel) {
      const int64_t width = std::min<int64_t>(kPanel, dim_ - first);
      for (int64_t row = 0; row < block.rows; ++row) {
        std::copy_n(x + row * x_stride + first, width, inputs_ + row * kPanel);
        std::fill_n(inputs_ + row * kPanel + width, kPanel - width, 0.0f);
      }
      kernel_.run(turned_, kAttentionRows, block.columns, block.rows, inputs_, tile, kPanel,
                  static_cast<int>(width), work);
      for (int64_t i = 0; i < block.columns; ++i) {
        const int64_t row = block.RowOfColumn(i);
        if (row < 0) continue;
        float* out = RowOf(to, row) + at + first;
        for (int64_t d = 0; d < width; ++d) out[d] += tile[i * kPanel + d];
      }
    }
  }

  const LinearKernel& kernel_;
  ThreadScratch& scratch_;
  const PackedRows& rows_;
  const HeadShape& shape_;
  int64_t dim_, capacity_;
  HeadColumns keys_, values_;
  float *p_, *ds_;  // [kAttentionRows][capacity]
  float* turned_;   // [capacity][kAttentionRows]
  float* inputs_;   // [kAttentionRows][32]
};

}  // namespace

void RunAttentionBack(const Context& context, const PackedRows& rows, const HeadShape& shape, Mat q, Mat k,
                      Mat v, Mat dout, Mat dq, Mat dk, Mat dv) {
  const int64_t size = q.rows * q.cols;
  const Mat partial_k = {context.partial, 0, q.rows, q.cols},
            partial_v = {context.partial, size, q.rows, q.cols};
  std::fill_n(context.partial->memory.GetAs<float>(2 * size), 2 * size, 0.0f);
  context.pool->For(shape.heads, [&](int64_t head, int thread) {
    HeadBack(context, (*context.scratch)[static_cast<size_t>(thread)], rows, shape)
        .Run(head, q, k, v, dout, dq, partial_k, partial_v);
  });
  const int64_t dim = shape.head_dim;
  const int group = shape.heads / shape.kv_heads;
  ForRows(context, q.rows, [&](int64_t row) {
    for (const auto& [partial, to] : {std::pair(partial_k, dk), std::pair(partial_v, dv)}) {
      for (int head = 0; head < shape.heads; ++head) {
        const float* from = RowOf(partial, row) + head * dim;
        float* out = RowOf(to, row) + head / group * dim;
        if (head % group == 0) {
          std::copy_n(from, dim, out);
        } else {
          for (int64_t d = 0; d < dim; ++d) out[d] += from[d];
        }
      }
    }
  });
}

}  // namespace gatehouse::train::cpu

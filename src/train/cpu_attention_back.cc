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
      : context_(context),
        kernel_(*context.exact),
        scratch_(scratch),
        rows_(rows),
        shape_(shape),
        dim_(shape.head_dim),
        capacity_(ColumnCapacity(rows)),
        keys_(MakeColumns(0)),
        values_(MakeColumns(2)),
        p_(scratch.attention[4].GetAs<float>(kAttentionRows * capacity_)),
        ds_(scratch.attention[5].GetAs<float>(kAttentionRows * capacity_)),
        turned_(scratch.attention[6].GetAs<float>(kPanel * capacity_)),
        inputs_(scratch.attention[7].GetAs<float>(kPanel * kPanel)) {
    std::fill_n(inputs_, kPanel * kPanel, 0.0f);
  }

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
          SoftmaxBlock(context_, block, shape_.scale, capacity_, p_);
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
    return {kernel_, dim_, capacity_, by_column, scratch_.attention[first + 1].GetAs<float>(elements)};
  }

  // ds_ holds dP and gets dS. Where P is 0 for a column that is not seen, dP is of a key that is there, or of
  // zeros: a finite number.
  void BackThroughSoftmax(const RowBlock& block) const {
    for (int64_t at = 0; at < block.rows; ++at)
      context_.back->softmax_back(p_ + at * capacity_, block.columns, shape_.scale, ds_ + at * capacity_);
  }

  // to[row behind column c] += sum over the block's rows of scores[row][c] * x[row], 32 rows after the other.
  void AddTurned(const RowBlock& block, const float* scores, const float* x, int64_t x_stride, int64_t at,
                 Mat to) {
    void* work = KernelScratch(kernel_, scratch_, block.columns, kPanel);
    for (int64_t begin = 0; begin < block.rows; begin += kPanel) {
      const int64_t rows = std::min<int64_t>(kPanel, block.rows - begin);
      kernel_.pack_f32(scores + begin * capacity_, capacity_, static_cast<int>(rows), block.columns, turned_);
      for (int64_t d = 0; d < dim_; d += kPanel) {
        const auto width = static_cast<int>(std::min<int64_t>(kPanel, dim_ - d));
        for (int64_t row = 0; row < rows; ++row)
          std::copy_n(x + (begin + row) * x_stride + d, width, inputs_ + row * kPanel);
        const auto add = [&](int64_t column, int64_t first_row, int64_t count) {
          kernel_.run_onto(turned_ + column * kPanel, kPanel, count, rows, inputs_,
                           RowOf(to, first_row) + at + d, to.cols, width, work);
        };
        if (block.own_column > 0) add(0, 0, block.packed->prefix);
        add(block.own_column, block.segment.first, block.columns - block.own_column);
      }
    }
  }

  const Context& context_;
  const LinearKernel& kernel_;
  ThreadScratch& scratch_;
  const PackedRows& rows_;
  const HeadShape& shape_;
  int64_t dim_, capacity_;
  HeadColumns keys_, values_;
  float *p_, *ds_;  // [kAttentionRows][capacity]
  float* turned_;   // [capacity][32]
  float* inputs_;   // [32][32]
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

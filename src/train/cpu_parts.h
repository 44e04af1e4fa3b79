// What the parts of the CPU's operations share. Not for use outside train/cpu_*.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/linear/linear.h"
#include "kernels/vector/back.h"
#include "kernels/vector/vector.h"
#include "train/operations.h"

namespace gatehouse::train::cpu {

class HostBuffer : public DeviceBuffer {
 public:
  AlignedBuffer memory;
};

// [rows, cols] of a Mat.
inline float* Data(const Mat& mat) {
  return static_cast<float*>(static_cast<HostBuffer*>(mat.buffer)->memory.Get(0)) + mat.offset;
}
inline float* RowOf(const Mat& mat, int64_t row) { return Data(mat) + row * mat.cols; }

// Some weight [outputs, inputs] as panels of 32 outputs: float32 [inputs][32], or where that loses nothing
// (or the products round anyway) BF16 [inputs / 2][32][2], half the memory.
struct Panels {
  int64_t outputs = 0, inputs = 0;
  bool bf16 = false;
  AlignedBuffer memory;

  int64_t panel_bytes() const { return (bf16 ? (inputs + 1) / 2 * 4 : inputs * 4) * kPanel; }
  const std::byte* Panel(int64_t panel) const { return memory.data() + panel * panel_bytes(); }
};

class CpuFrozen : public FrozenWeight {
 public:
  Panels forward;  // of W
  Panels back;     // of its transpose; none where nothing goes back
};

// Scratch of one thread.
struct ThreadScratch {
  AlignedBuffer panel, kernel, tile;
  AlignedBuffer attention[8];

  size_t bytes() const {
    size_t total = panel.bytes() + kernel.bytes() + tile.bytes();
    for (const AlignedBuffer& one : attention) total += one.bytes();
    return total;
  }
};

struct Context {
  const LinearKernel* products;  // with frozen weights
  const LinearKernel* exact;     // in float32: with matrices that change, and of attention
  const VectorKernel* vector;
  const BackKernel* back;
  ThreadPool* pool;
  std::vector<ThreadScratch>* scratch;  // one a thread
  AlignedBuffer* rounded;               // x in BF16
  AlignedBuffer* turned;                // a matrix transposed
  HostBuffer* partial;                  // gradients of keys and values, one query head each
};

inline void* KernelScratch(const LinearKernel& kernel, ThreadScratch& scratch, int64_t rows, int64_t k) {
  const size_t bytes = kernel.scratch_bytes(rows, k);
  return scratch.kernel.Get(bytes > 64 ? bytes : 64);
}

// Rows, some at a time on each thread: body(row).
void ForRows(const Context& context, int64_t rows, const std::function<void(int64_t row)>& body);

// A weight, and its transpose where that is wanted. Throws std::bad_alloc.
void LoadPanels(const Context& context, const WeightView& view, bool goes_back, CpuFrozen* out);

// y [x.rows, outputs] (+)= x W^T.
void RunFrozen(const Context& context, Mat x, const Panels& weight, bool adds, Mat y);
// Times `factor`, or on top of what is there.
struct Written {
  float factor = 1.0f;
  bool adds = false;
};
// The three products with a matrix w [N, K] that changes (operations.h).
void RunMultiply(const Context& context, Mat x, Mat w, Written how, Mat y);
void RunMultiplyBack(const Context& context, Mat dy, Mat w, Written how, Mat dx);
void RunMultiplyOuter(const Context& context, Mat dy, Mat x, Mat dw);

void RunAttention(const Context& context, const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v,
                  Mat out);
void RunAttentionBack(const Context& context, const PackedRows& rows, const HeadShape& shape, Mat q, Mat k,
                      Mat v, Mat dout, Mat dq, Mat dk, Mat dv);

// Row by row.
void DropRow(const Dropout& dropout, int64_t row, int64_t n, const float* x, bool adds, float* y);
// weight * -log softmax(logits)[target]; the logits become its gradient.
double CrossEntropyRow(float* logits, int64_t n, int32_t target, float weight);
void AdamWRow(const AdamWStep& step, int64_t n, const float* gradient, float* first, float* second,
              float* value);

// dweight [1, cols] += the sum over rows of dy * x / sqrt(mean(x^2) + eps).
void RunRmsNormWeightBack(Mat x, float eps, Mat dy, Mat dweight);

// Of all values, row by row: one order whatever the threads.
double RunSumSquares(const Context& context, Mat x);

}  // namespace gatehouse::train::cpu

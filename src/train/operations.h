// Operations: what training asks of a device, forward and backward: a dozen kinds, each with its gradient.
// The network (train/network.h) is written against this alone, so that a second device is a second
// implementation of this header. Matrices are those of backend/matrix.h, float32, row-major, in the device's
// memory.
//
//   GATEHOUSE_ASSIGN(auto ops, CreateCpuOperations({.threads = 2}));
//   ops->Linear(x, *weight, y);          // y = x W^T
//   ops->LinearBack(dy, *weight, dx);    // dx += dy W
//   GATEHOUSE_TRY(ops->Finish());
//
// Gradients are added to what is there (+=), except where a function says otherwise: a value that is used
// twice gets the sum of both. Every sum runs in one order that follows from the sizes alone, so that the same
// batch gives the same bits whatever the number of threads.
//
// Errors. Operations may be enqueued, so they return nothing: the first failure is kept, what follows it does
// nothing, and Finish waits for all and returns it. One thread at a time calls.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "backend/matrix.h"
#include "backend/weight_view.h"
#include "gatehouse/result.h"
#include "train/packed_rows.h"

namespace gatehouse::train {

// A weight that does not change, in the forms that products want: of W, and for the way back of its
// transpose.
class FrozenWeight {
 public:
  virtual ~FrozenWeight() = default;
  int64_t rows = 0;  // outputs
  int64_t cols = 0;  // inputs
};

// Rotary angles of the rows of a batch.
struct RotaryAngles {
  Mat cos, sin, minus_sin;  // [rows, head_dim / 2]; minus_sin turns back
  bool interleaved = false;
};

// Heads of one attention.
struct HeadShape {
  int heads = 0, kv_heads = 0, head_dim = 0;
  float scale = 1.0f;
  int64_t chunk = 0;  // positions that see each other, 0: all
};

// Which values of a matrix become 0: about `rate` of them, by the seed and a value's row and column alone.
// The others are divided by the share that stays.
struct Dropout {
  float rate = 0;
  uint64_t seed = 0;
};

// One step of AdamW for one matrix.
struct AdamWStep {
  float rate = 0, beta1 = 0, beta2 = 0, eps = 0, decay = 0;
  float first_share = 1, second_share = 1;  // 1 / (1 - beta^steps): the averages began at 0
  float gradient_factor = 1;                // of gradients that are too long
};

class Operations {
 public:
  virtual ~Operations() = default;
  virtual std::string Describe() const = 0;
  virtual int64_t ScratchBytes() const = 0;
  // Waits for all that was enqueued and returns the first failure; afterwards operations work again.
  virtual Result<void> Finish() = 0;

  virtual Result<std::unique_ptr<DeviceBuffer>> Allocate(int64_t elements) = 0;
  // goes_back: whether LinearBack will ask for it.
  virtual Result<std::unique_ptr<FrozenWeight>> LoadFrozen(const WeightView& view, bool goes_back) = 0;
  // The host's memory may change as soon as the call returns.
  virtual void Upload(std::span<const float> host, Mat to) = 0;
  virtual void Download(Mat from, std::span<float> host) = 0;  // host [rows * cols]; waits

  virtual void Zero(Mat x) = 0;
  virtual void Copy(Mat from, Mat to) = 0;
  virtual void Add(Mat x, Mat to) = 0;  // to += x
  // to[i] = from[rows[i]], and to[rows[i]] += from[i] (in order of i); the ids lie within.
  virtual void GatherRows(Mat from, std::span<const int32_t> rows, Mat to) = 0;
  virtual void ScatterAddRows(Mat from, std::span<const int32_t> rows, Mat to) = 0;
  // out[i] = table[ids[i]]. The table is read where it lies.
  virtual void Embed(const WeightView& table, std::span<const int32_t> ids, Mat out) = 0;

  // Products with weights that stay: x [T, K], y [T, N], W [N, K].
  virtual void Linear(Mat x, const FrozenWeight& weight, Mat y) = 0;                   // y = x W^T
  virtual void LinearBack(Mat dy, const FrozenWeight& weight, bool adds, Mat dx) = 0;  // dx (+)= dy W
  // Products with matrices that change, in float32: w [N, K].
  virtual void Multiply(Mat x, Mat w, float factor, Mat y) = 0;        // y = factor x w^T
  virtual void MultiplyOnto(Mat x, Mat w, Mat y) = 0;                  // y += x w^T
  virtual void MultiplyBack(Mat dy, Mat w, float factor, Mat dx) = 0;  // dx = factor dy w
  virtual void MultiplyBackOnto(Mat dy, Mat w, Mat dx) = 0;            // dx += dy w
  virtual void MultiplyOuter(Mat dy, Mat x, Mat dw) = 0;               // dw += dy^T x

  virtual void Drop(Mat x, const Dropout& dropout, Mat y) = 0;      // y = x without what is dropped
  virtual void DropOnto(Mat x, const Dropout& dropout, Mat y) = 0;  // y += the same: its own gradient

  // y = x / sqrt(mean(x^2) + eps) * weight; weight [1, cols].
  virtual void RmsNorm(Mat x, Mat weight, float eps, Mat y) = 0;
  virtual void RmsNormBack(Mat x, Mat weight, float eps, Mat dy, Mat dx) = 0;
  virtual void RmsNormWeightBack(Mat x, float eps, Mat dy, Mat dweight) = 0;  // dweight [1, cols] +=
  // The same without a weight for every head of x [T, heads * head_dim].
  virtual void NormHeads(Mat x, int head_dim, float eps, Mat y) = 0;
  virtual void NormHeadsBack(Mat x, int head_dim, float eps, Mat dy) = 0;  // dy in place becomes dx
  // Turns every head of x in place by its row's angles, or back: which is also the gradient.
  virtual void Rotate(Mat x, int head_dim, const RotaryAngles& angles, bool back) = 0;
  virtual void ScaleRows(Mat x, Mat factors) = 0;  // factors [T, 1], in place: its own gradient

  virtual void SwiGlu(Mat gate, Mat up, Mat y) = 0;  // y = silu(gate) * up
  // gate and up in place become their gradients (=).
  virtual void SwiGluBack(Mat dy, Mat gate, Mat up) = 0;

  // out = softmax(scale q k^T) v over what `rows` lets every row see. q, out [T, heads * head_dim],
  // k, v [T, kv_heads * head_dim].
  virtual void Attention(const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v, Mat out) = 0;
  // dq, dk, dv are overwritten (=).
  virtual void AttentionBack(const PackedRows& rows, const HeadShape& shape, Mat q, Mat k, Mat v, Mat dout,
                             Mat dq, Mat dk, Mat dv) = 0;

  // The sum over i of weights[i] * -log softmax(logits[i])[targets[i]]; the logits in place become its
  // gradient. Waits.
  virtual double CrossEntropy(Mat logits, std::span<const int32_t> targets,
                              std::span<const float> weights) = 0;

  // The sum over all values; waits.
  virtual double SumSquares(Mat x) = 0;
  // value, and the averages of its gradient and of that one's square, in place.
  virtual void AdamW(const AdamWStep& step, Mat gradient, Mat first, Mat second, Mat value) = 0;
};

}  // namespace gatehouse::train

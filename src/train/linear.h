// AdaptedLinear: one linear of a network that is trained: its frozen weight and what LoRA adds to it, or a
// weight that is trained itself, whose products are in float32.
//
//   linear.Forward(ops, x, y, low, work);       // y = x W^T + low B^T; low = scale x A^T is kept
//   linear.Back(ops, dy, x, low, work, {dx});   // gradients of A and B; dx = dy W + scale (dy B) A
//
// With dropout A reads x without some of its values, others in every linear and batch.
#pragma once

#include <memory>

#include "model/block.h"
#include "train/lora.h"
#include "train/operations.h"
#include "train/tape.h"

namespace gatehouse::train {

class AdaptedLinear {
 public:
  // goes_back: whether Back will ever be asked for dx.
  static Result<AdaptedLinear> Load(const ModelConfig& config, const TensorId& id, const WeightLookup& lookup,
                                    const TrainedWeights& trained, bool goes_back, Operations& ops);

  // x [T, K], y [T, N]; low [T, rank], which nobody looks at where the linear is not trained.
  void Forward(Operations& ops, Mat x, Mat y, Mat low, const LoraWork& work) const;
  // What becomes of the gradient of x.
  struct To {
    Mat dx;  // without memory: nobody wants it
    bool adds = false;
  };
  void Back(Operations& ops, Mat dy, Mat x, Mat low, const LoraWork& work, To to) const;

 private:
  std::unique_ptr<FrozenWeight> weight_;  // [N, K]; null where own_ is
  const LoraPart* lora_ = nullptr;
  const TrainedTensor* own_ = nullptr;
};

// A norm's weight [1, K] in the device's memory.
struct NormWeight {
  std::unique_ptr<DeviceBuffer> memory;  // none where it is trained
  Mat values;
  Mat gradient;  // without memory: it stays

  // The gradient of what the norm read is added to dx, where that has memory, and the weight's own to its.
  void Back(Operations& ops, Mat x, float eps, Mat dy, Mat dx) const;

  static Result<NormWeight> Load(const ModelConfig& config, const TensorId& id, const WeightLookup& lookup,
                                 const TrainedWeights& trained, Operations& ops);
};

}  // namespace gatehouse::train

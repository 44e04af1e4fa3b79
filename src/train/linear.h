// AdaptedLinear: one linear of a network that is trained: its frozen weight, and what LoRA adds to it.
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
                                    const LoraSet& lora, bool goes_back, Operations& ops);

  int64_t rows() const { return weight_->rows; }
  int64_t cols() const { return weight_->cols; }
  bool trained() const { return lora_ != nullptr; }

  // x [T, K], y [T, N]; low [T, rank], which nobody looks at where the linear is not trained.
  void Forward(Operations& ops, Mat x, Mat y, Mat low, const LoraWork& work) const;
  // What becomes of the gradient of x.
  struct To {
    Mat dx;  // without memory: nobody wants it
    bool adds = false;
  };
  void Back(Operations& ops, Mat dy, Mat x, Mat low, const LoraWork& work, To to) const;

 private:
  std::unique_ptr<FrozenWeight> weight_;  // [N, K]
  const LoraPart* lora_ = nullptr;
};

// A norm's weight [1, K] in the device's memory.
struct NormWeight {
  std::unique_ptr<DeviceBuffer> memory;
  Mat values;

  static Result<NormWeight> Load(const ModelConfig& config, const TensorId& id, const WeightLookup& lookup,
                                 Operations& ops);
};

}  // namespace gatehouse::train

// TrainedWeights: what of a network is trained: matrices that LoRA adds to linears that stay (LoraSet), or
// weights themselves (FullSet). The network asks for each of its weights, the optimiser for all tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/tensor_table.h"
#include "train/operations.h"

namespace gatehouse::train {

// What an optimiser changes.
struct TrainedTensor {
  std::string name;  // "model.layers.0.self_attn.q_proj.lora_A.weight", or as the weight's own
  Mat value, gradient;
};

struct LoraPart;

class TrainedWeights {
 public:
  virtual ~TrainedWeights() = default;

  const std::vector<TrainedTensor>& tensors() const { return tensors_; }
  int64_t values() const;                              // in all of them
  const Mat& gradients() const { return gradients_; }  // of all, [1, ...]
  void ZeroGradients(Operations& ops) const { ops.Zero(gradients_); }

  // What is added to a linear that stays; null: nothing. Good as long as this, wherever it is moved.
  virtual const LoraPart* Find(const TensorSpec& spec) const;
  // A weight that is itself trained, in float32; null: it stays.
  virtual const TrainedTensor* FindWhole(const TensorSpec& spec) const;
  virtual int64_t rank() const { return 0; }    // of what is added
  virtual bool drops() const { return false; }  // whether there is dropout

  bool Trains(const TensorSpec& spec) const { return Find(spec) != nullptr || FindWhole(spec) != nullptr; }

 protected:
  TrainedWeights() = default;
  TrainedWeights(TrainedWeights&&) = default;
  TrainedWeights& operator=(TrainedWeights&&) = default;

  Mat gradients_;  // all of them, [1, values]
  std::vector<TrainedTensor> tensors_;
};

}  // namespace gatehouse::train

// AdamW: the optimiser, with its state beside each matrix that is trained.
//
//   GATEHOUSE_ASSIGN(AdamW optimiser, AdamW::Create(lora.tensors(), {}, *ops));
//   GATEHOUSE_ASSIGN(const AdamW::Taken taken, optimiser.Step(2e-4));
//   if (!taken.taken) ++skipped;          // a gradient was not finite: nothing has changed
//   lora.ZeroGradients(*ops);
#pragma once

#include <cstdint>
#include <vector>

#include "gatehouse/result.h"
#include "train/arena.h"
#include "train/lora.h"
#include "train/operations.h"

namespace gatehouse::train {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double decay = 0;
  double clip = 1.0;  // gradients longer than this, all taken as one, are made as long; 0: none are
};

class AdamW {
 public:
  struct Taken {
    double norm = 0;    // of all gradients as one, before clipping
    bool taken = true;  // false: the norm is no finite number
  };

  // ops must outlive it. Errors: kUsage: an option out of range; kInternal: no memory.
  static Result<AdamW> Create(std::vector<TrainedTensor> tensors, const AdamWOptions& options,
                              Operations& ops);

  // Changes the values by their gradients, which stay.
  Result<Taken> Step(double rate);
  int64_t steps() const { return steps_; }  // taken

  struct State {
    Mat first, second;  // averages of the gradient and of its square
  };
  // Beside each tensor, in their order: for a run that is to go on later.
  const std::vector<State>& states() const { return states_; }
  // Their values were put back as they were after so many steps.
  void GoOnFrom(int64_t steps) { steps_ = steps; }

 private:
  AdamW(std::vector<TrainedTensor> tensors, const AdamWOptions& options, Operations& ops)
      : tensors_(std::move(tensors)), options_(options), ops_(&ops), states_(tensors_.size()) {}

  std::vector<TrainedTensor> tensors_;
  AdamWOptions options_;
  Operations* ops_;
  Arena memory_;
  std::vector<State> states_;
  int64_t steps_ = 0;
};

}  // namespace gatehouse::train

#include "train/trained_weights.h"

namespace gatehouse::train {

int64_t TrainedWeights::values() const {
  int64_t count = 0;
  for (const TrainedTensor& tensor : tensors_) count += tensor.value.rows * tensor.value.cols;
  return count;
}

const LoraPart* TrainedWeights::Find(const TensorSpec&) const { return nullptr; }

const TrainedTensor* TrainedWeights::FindWhole(const TensorSpec&) const { return nullptr; }

}  // namespace gatehouse::train

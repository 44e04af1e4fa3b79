// FullSet: weights that are trained themselves, as float32 masters: all of a text decoder's, or some kinds of
// them.
//
//   GATEHOUSE_ASSIGN(FullSet full, FullSet::Create(config, {.modules = {"down_proj", "norm"}}, lookup,
//   *ops)); for (const TrainedTensor& tensor : full.tensors()) ...      // by their published names
#pragma once

#include <map>
#include <string>
#include <vector>

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/block.h"
#include "train/arena.h"
#include "train/trained_weights.h"

namespace gatehouse::train {

struct FullOptions {
  // Last parts of the weights' names ("q_proj", "input_layernorm", "embed_tokens", "lm_head", "norm"); empty:
  // all.
  std::vector<std::string> modules{};
  int first_layer = 0;  // layers before it stay as they are
};

class FullSet : public TrainedWeights {
 public:
  // Values begin as the checkpoint has them. A tied head is its embedding table: one tensor, which gets both
  // gradients. Errors: kUsage, naming the option; kModel: a weight that cannot be read.
  static Result<FullSet> Create(const ModelConfig& config, const FullOptions& options,
                                const WeightLookup& lookup, Operations& ops);
  FullSet(FullSet&&) = default;
  FullSet& operator=(FullSet&&) = default;

  const TrainedTensor* FindWhole(const TensorSpec& spec) const override;

 private:
  FullSet() = default;
  Arena memory_;
  std::map<std::string, size_t, std::less<>> places_;  // of tensors, by name
  std::string head_;                                   // what a tied head is called instead of its own name
};

}  // namespace gatehouse::train

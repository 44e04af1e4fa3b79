// LoraSet: the matrices that are trained when a network's own weights stay. A linear W [N, K] becomes
// W + scale * B A with A [rank, K] and B [N, rank], scale = alpha / rank.
//
//   GATEHOUSE_ASSIGN(LoraSet lora, LoraSet::Create(config, {.rank = 20, .alpha = 40}, *ops));
//   for (const TrainedTensor& tensor : lora.tensors()) ...      // values, and gradients of the last batches
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/tensor_table.h"
#include "train/arena.h"
#include "train/operations.h"
#include "train/trained_weights.h"

namespace gatehouse::train {

struct LoraOptions {
  int64_t rank = 8;
  double alpha = 16;
  // Last parts of the modules' names; those that a network does not have are an error.
  std::vector<std::string> modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                      "gate_proj", "up_proj", "down_proj"};
  int first_layer = 0;  // layers before it stay as they are
  double dropout = 0;   // share of what A reads that is left out in training
  uint64_t seed = 1;
};

// Of one linear.
struct LoraPart {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  float scale = 1.0f;
  Dropout dropout;  // its seed is the module's, to be mixed with a batch's
  Mat a, b;         // [rank, K], [N, rank]
  Mat a_gradient, b_gradient;
};

class LoraSet : public TrainedWeights {
 public:
  // A begins with values of (-1, 1) / sqrt(K), uniform, from the seed and the module's name; B with zeros:
  // the network computes at first what it computed. Errors: kUsage, naming the option.
  static Result<LoraSet> Create(const ModelConfig& config, const LoraOptions& options, Operations& ops);
  LoraSet(LoraSet&&) = default;
  LoraSet& operator=(LoraSet&&) = default;

  const LoraPart* Find(const TensorSpec& spec) const override;
  int64_t rank() const override { return options_.rank; }
  bool drops() const override { return options_.dropout > 0; }
  const LoraOptions& options() const { return options_; }

 private:
  LoraSet() = default;
  LoraOptions options_;
  Arena memory_;
  std::map<std::string, LoraPart, std::less<>> parts_;
};

}  // namespace gatehouse::train

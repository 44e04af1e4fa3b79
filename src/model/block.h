// Block: one step of a network's layer: it reads the rows of a pass and adds to them. A layer is a list of
// blocks, and Decoder::Create chooses them by the configuration: attention, then a feed-forward network or
// experts. Another kind (attention to a picture's vectors, say) is another class here and a line there.
// Which rows see which keys is the pass's layout, so attention in both directions needs no other block.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/decoder_pass.h"
#include "model/tensor_table.h"

namespace gatehouse {

// Gives a weight by what the network's table says of it; one of another shape, or none, is an error (kModel).
using WeightLookup = std::function<Result<WeightView>(const TensorSpec& spec)>;

using WeightPtr = std::unique_ptr<DeviceWeight>;

// Finds weights and puts them on the device.
class WeightLoader {
 public:
  WeightLoader(const ModelConfig& config, const WeightLookup& lookup, Backend& backend)
      : config_(config), lookup_(lookup), backend_(backend) {}

  Result<WeightPtr> Load(const TensorId& id) const {
    const TensorSpec spec = SpecOf(config_, id);
    GATEHOUSE_ASSIGN(WeightView view, lookup_(spec));
    // Norms, biases, positions: what is small and wanted in float32.
    if (spec.role == TensorSpec::Role::kValues) return backend_.LoadTable(view);
    return backend_.LoadWeight(std::move(view));
  }

 private:
  const ModelConfig& config_;
  const WeightLookup& lookup_;
  Backend& backend_;
};

class Block {
 public:
  virtual ~Block() = default;
  virtual void Run(DecoderPass& pass) const = 0;
};

// The blocks there are. layer: whose weights and keys they take.
Result<std::unique_ptr<Block>> MakeAttention(const ModelConfig& config, int layer,
                                             const WeightLoader& weights);
Result<std::unique_ptr<Block>> MakeFeedForward(const ModelConfig& config, int layer,
                                               const WeightLoader& weights);
Result<std::unique_ptr<Block>> MakeExperts(const ModelConfig& config, int layer, const WeightLoader& weights);

}  // namespace gatehouse

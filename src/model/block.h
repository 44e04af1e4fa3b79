// Block: one step of a network's layer: it reads the rows of a pass and adds to them. A layer is a list of
// blocks, and Decoder::Create chooses them by the configuration: attention, then a feed-forward network or
// experts. Another kind (attention to a picture's vectors, say) is another class here and a line there.
// Which rows see which keys is the pass's layout, so attention in both directions needs no other block.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/decoder_pass.h"

namespace gatehouse {

// Gives a weight by its name in the published layout, without prefixes:
// "model.layers.0.self_attn.q_proj.weight", "lm_head.weight", "vision_model.class_embedding"; experts one by
// one: "...experts.3.gate_proj.weight" [ffn, hidden]. shape is what the config asks for; a weight of another
// shape, or none, is an error (kModel).
using WeightLookup = std::function<Result<WeightView>(const std::string& name, const Shape& shape)>;

using WeightPtr = std::unique_ptr<DeviceWeight>;

// Finds weights and puts them on the device.
class WeightLoader {
 public:
  WeightLoader(const WeightLookup& lookup, Backend& backend) : lookup_(lookup), backend_(backend) {}

  Result<WeightPtr> Matrix(const std::string& name, int64_t rows, int64_t cols) const {
    GATEHOUSE_ASSIGN(WeightView view, lookup_(name, {rows, cols}));
    return backend_.LoadWeight(std::move(view));
  }
  // Norms, biases, positions: what is small and wanted in float32.
  Result<WeightPtr> Table(const std::string& name, const Shape& shape) const {
    GATEHOUSE_ASSIGN(const WeightView view, lookup_(name, shape));
    return backend_.LoadTable(view);
  }

 private:
  const WeightLookup& lookup_;
  Backend& backend_;
};

class Block {
 public:
  virtual ~Block() = default;
  virtual void Run(DecoderPass& pass) const = 0;
};

// The blocks there are. layer: whose weights and keys they take; prefix: of its weights' names.
Result<std::unique_ptr<Block>> MakeAttention(const ModelConfig& config, int layer, const std::string& prefix,
                                             const WeightLoader& weights);
Result<std::unique_ptr<Block>> MakeFeedForward(const ModelConfig& config, const std::string& prefix,
                                               const WeightLoader& weights);
Result<std::unique_ptr<Block>> MakeExperts(const ModelConfig& config, const std::string& prefix,
                                           const WeightLoader& weights);

}  // namespace gatehouse

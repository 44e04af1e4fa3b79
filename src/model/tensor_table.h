// The tensors of an architecture, in one table (tensor_table.cc): which ones a network of some configuration
// consists of, what they are called and how large they are, and what each is there for. Loading, converting,
// rounding, pruning and adapters ask it; nobody takes names apart.
//
//   for (const TensorSpec& spec : ListTensors(config)) ...
//   SpecOf(config, {Weight::kGate, 3}).name;      // "model.layers.3.mlp.gate_proj.weight"
//   SpecOf(config, {Weight::kGate, 3, 7}).name;   // "model.layers.3.feed_forward.experts.7.gate_proj.weight"
//
// The names are those of the published layout without prefixes ("lm_head.weight",
// "vision_model.class_embedding"), experts one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_config.h"
#include "tensor/tensor.h"

namespace gatehouse {

// What a tensor is in the network, in the order of the forward pass.
enum class Weight : uint8_t {
  kEmbedding,
  // of each layer
  kAttentionNorm,
  kQuery,
  kKey,
  kValue,
  kAttentionOutput,
  kFeedForwardNorm,
  kRouter,  // of layers with experts
  kGate,
  kUp,
  kDown,
  // behind the layers
  kFinalNorm,
  kHead,  // always there: a tied model's is its embedding table
  // the vision encoder, before and behind its layers
  kPatches,
  kClass,
  kPositions,
  kVisionPreNorm,
  kVisionPostNorm,
  // of each of its layers
  kVisionAttentionNorm,
  kVisionQuery,
  kVisionKey,
  kVisionValue,
  kVisionAttentionOutput,
  kVisionFeedForwardNorm,
  kVisionWiden,
  kVisionNarrow,
  // from its vectors to the decoder's
  kAdapterWiden,
  kAdapterNarrow,
  kProjector,
};

constexpr int kNoExpert = -1;

// One tensor of a network.
struct TensorId {
  Weight weight = Weight::kEmbedding;
  int layer = -1;          // of the decoder, or of the vision encoder; -1: of neither's layers
  int expert = kNoExpert;  // none: the network that all rows go through, beside experts the shared one
  bool bias = false;       // what is added, beside what is multiplied by

  bool operator==(const TensorId&) const = default;
};

struct TensorSpec {
  enum class Role {
    kLinear,     // [N, K], a factor of products
    kEmbedding,  // [vocab, hidden], read row by row
    kValues,     // norms, biases, embeddings of positions
  };
  TensorId id;
  std::string name;
  Shape shape;
  Role role = Role::kLinear;
  bool may_round = false;  // to 8 or 4 bits: products of the layers, but for routers
  // The first of the products that read the same input: queries stand for keys and values, gate for up.
  TensorId input;

  // What an adapter and PEFT call a weight: its name without ".weight"; empty: no module that LoRA changes.
  std::string_view module() const;
};

TensorSpec SpecOf(const ModelConfig& config, const TensorId& id);

// All of them, in the order of the forward pass.
std::vector<TensorSpec> ListTensors(const ModelConfig& config);

// Of a tensor that there is once, whatever the configuration.
std::string_view NameOf(Weight weight);

// How published files may hold a layer's experts: one tensor for all, inputs first.
struct FusedExperts {
  struct Slice {
    Weight weight;
    int64_t first;  // of its outputs among the tensor's
  };
  std::string name;  // "model.layers.3.feed_forward.experts.gate_up_proj": no ".weight"
  int layer = 0;
  Shape shape;  // [experts, inputs, outputs]
  std::vector<Slice> slices;
};
std::vector<FusedExperts> ListFusedExperts(const ModelConfig& config);

// What the names of a layer's experts begin with, fused or not.
std::string ExpertsPrefix(const ModelConfig& config, int layer);

// The tensor that a GGUF file of a llama model calls so, in a layer that need not be there; none: no tensor
// of such a model.
std::optional<TensorId> IdOfGguf(std::string_view gguf_name);

}  // namespace gatehouse

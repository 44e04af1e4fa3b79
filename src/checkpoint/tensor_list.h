// The tensors that a network of some configuration consists of, by the names that all later code uses: those
// of the published layout without prefixes ("model.layers.0.self_attn.q_proj.weight", "lm_head.weight",
// "vision_model.class_embedding"; experts one by one, "...experts.3.gate_proj.weight").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/model_config.h"
#include "tensor/tensor.h"

namespace gatehouse {

struct TensorSpec {
  enum class Role {
    kLinear,     // [N, K], a factor of products
    kEmbedding,  // [vocab, hidden], read row by row
    kValues,     // norms, biases, embeddings of positions
  };
  std::string name;
  Shape shape;
  Role role = Role::kLinear;
};

// In the order of the forward pass. lm_head.weight is always there: a tied model's is its embedding table.
std::vector<TensorSpec> ListTensors(const ModelConfig& config);

// A checkpoint's own name -> that name: "language_model.model.X", "model.language_model.X" and "model.X" are
// one.
std::string CanonicalName(std::string_view name);

}  // namespace gatehouse

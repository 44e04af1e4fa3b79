#include "checkpoint/tensor_list.h"

namespace gatehouse {
namespace {

using Role = TensorSpec::Role;

class Lister {
 public:
  explicit Lister(const ModelConfig& config) : config_(config) {}

  std::vector<TensorSpec> List() {
    const int64_t hidden = config_.hidden;
    Add("model.embed_tokens.weight", {config_.vocab, hidden}, Role::kEmbedding);
    for (int i = 0; i < config_.layers; ++i) Layer(i);
    Add("model.norm.weight", {hidden}, Role::kValues);
    Add("lm_head.weight", {config_.vocab, hidden}, Role::kLinear);
    if (config_.vision.present) Vision();
    return std::move(out_);
  }

 private:
  void Add(std::string name, Shape shape, Role role) {
    out_.push_back({std::move(name), std::move(shape), role});
  }
  void Linear(const std::string& name, int64_t rows, int64_t cols) {
    Add(name + ".weight", {rows, cols}, Role::kLinear);
  }
  void Affine(const std::string& name, int64_t rows, int64_t cols) {
    Linear(name, rows, cols);
    Add(name + ".bias", {rows}, Role::kValues);
  }
  void Norm(const std::string& name, int64_t size) {
    Add(name + ".weight", {size}, Role::kValues);
    Add(name + ".bias", {size}, Role::kValues);
  }
  void FeedForward(const std::string& prefix, int64_t ffn) {
    Linear(prefix + "gate_proj", ffn, config_.hidden);
    Linear(prefix + "up_proj", ffn, config_.hidden);
    Linear(prefix + "down_proj", config_.hidden, ffn);
  }

  void Layer(int index) {
    const std::string prefix = "model.layers." + std::to_string(index) + ".";
    const int64_t hidden = config_.hidden, head = config_.head_dim;
    Add(prefix + "input_layernorm.weight", {hidden}, Role::kValues);
    Linear(prefix + "self_attn.q_proj", config_.heads * head, hidden);
    Linear(prefix + "self_attn.k_proj", config_.kv_heads * head, hidden);
    Linear(prefix + "self_attn.v_proj", config_.kv_heads * head, hidden);
    Linear(prefix + "self_attn.o_proj", hidden, config_.heads * head);
    Add(prefix + "post_attention_layernorm.weight", {hidden}, Role::kValues);
    const std::string mlp =
        prefix + (config_.family == ModelConfig::Family::kLlama4 ? "feed_forward." : "mlp.");
    if (config_.is_moe[static_cast<size_t>(index)] == 0) return FeedForward(mlp, config_.ffn_dense);
    Linear(mlp + "router", config_.experts, hidden);
    FeedForward(mlp + "shared_expert.", config_.ffn_expert);
    for (int e = 0; e < config_.experts; ++e)
      FeedForward(mlp + "experts." + std::to_string(e) + ".", config_.ffn_expert);
  }

  void Vision() {
    const VisionConfig& vision = config_.vision;
    const int64_t hidden = vision.hidden, grid = vision.image_size / vision.patch_size;
    Linear("vision_model.patch_embedding.linear", hidden,
           static_cast<int64_t>(vision.channels) * vision.patch_size * vision.patch_size);
    Add("vision_model.class_embedding", {hidden}, Role::kValues);
    Add("vision_model.positional_embedding_vlm", {grid * grid + 1, hidden}, Role::kValues);
    Norm("vision_model.layernorm_pre", hidden);
    Norm("vision_model.layernorm_post", hidden);
    for (int i = 0; i < vision.layers; ++i) {
      const std::string prefix = "vision_model.model.layers." + std::to_string(i) + ".";
      Norm(prefix + "input_layernorm", hidden);
      for (const char* name : {"q", "k", "v", "o"})
        Affine(prefix + "self_attn." + name + "_proj", hidden, hidden);
      Norm(prefix + "post_attention_layernorm", hidden);
      Affine(prefix + "mlp.fc1", vision.ffn, hidden);
      Affine(prefix + "mlp.fc2", hidden, vision.ffn);
    }
    // Pixel shuffle by 0.5 joins four patches.
    Linear("vision_model.vision_adapter.mlp.fc1", vision.projector_input, 4 * hidden);
    Linear("vision_model.vision_adapter.mlp.fc2", vision.projector_output, vision.projector_input);
    Linear("multi_modal_projector.linear_1", config_.hidden, vision.output);
  }

  const ModelConfig& config_;
  std::vector<TensorSpec> out_;
};

bool Drop(std::string_view* name, std::string_view prefix) {
  if (!name->starts_with(prefix)) return false;
  name->remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::vector<TensorSpec> ListTensors(const ModelConfig& config) { return Lister(config).List(); }

std::string CanonicalName(std::string_view name) {
  if (Drop(&name, "model.language_model.") || Drop(&name, "language_model.")) {
    if (name.starts_with("model.") || name.starts_with("lm_head.")) return std::string(name);
    return "model." + std::string(name);
  }
  if (name.starts_with("model.vision_model.") || name.starts_with("model.multi_modal_projector."))
    Drop(&name, "model.");
  return std::string(name);
}

}  // namespace gatehouse

// ModelConfig: the dimensions and switches of a network, read from config.json (every spelling that
// transformers has written), or from GGUF metadata. All later code reads this struct and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3 };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int64_t original_max_position = 8192;
};

struct VisionConfig {
  bool present = false;
  int hidden = 768;
  int layers = 34;
  int heads = 16;
  int ffn = 5632;
  int channels = 3;
  int image_size = 448;
  int patch_size = 14;
  int output = 7680;           // width that the adapter gives, and the projector takes
  int projector_input = 4096;  // adapter: 4 * hidden -> projector_input -> projector_output
  int projector_output = 4096;
  double norm_eps = 1e-5;
  double rope_theta = 10000.0;
};

// Weights of 8 bits that lie in the files with scales beside them (tensors NAME.weight_scale): value * scale.
struct ScaledWeights {
  bool float8 = false;     // F8_E4M3
  bool int8 = false;       // I8
  int64_t block_rows = 0;  // a scale for each block of these sizes; 0: one for each output, or for all
  int64_t block_cols = 0;
};

struct ModelConfig {
  enum class Family { kLlama4, kLlama };
  Family family = Family::kLlama4;
  int hidden = 0;
  int layers = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int ffn_dense = 0;   // width of dense layers
  int ffn_expert = 0;  // width of each expert, and of the shared one
  int vocab = 0;
  bool tied = false;  // the head is the embedding table
  double norm_eps = 1e-5;
  double rope_theta = 500000.0;
  RopeScaling rope;
  std::vector<float> rope_divisors;  // GGUF's rope_freqs, one a pair; empty: none
  int experts = 0;
  int experts_per_token = 1;
  std::vector<uint8_t> is_moe;     // per layer
  std::vector<uint8_t> uses_rope;  // per layer
  std::vector<uint8_t> chunked;    // per layer
  int64_t attention_chunk = 0;     // positions, 0: none
  bool qk_norm = false;
  bool temperature_tuning = false;
  double floor_scale = 8192.0;
  double attn_scale = 0.1;
  int64_t max_position = 8192;
  int32_t bos = -1;
  std::vector<int32_t> eos;
  int32_t image_token = 200092;
  VisionConfig vision;
  std::optional<ScaledWeights> scaled;  // how the files hold the weights; not a property of the network

  // Rotary pairs are (2i, 2i + 1); checkpoints of the llama family have (i, i + head_dim / 2).
  bool interleaved_rope() const { return family == Family::kLlama4; }
};

// name: for error messages. Errors: kModel, naming the field.
Result<ModelConfig> ParseModelConfig(std::string_view json, const std::string& name);

// The config as published for Llama 4 (dense): what `prune` writes.
std::string ModelConfigToJson(const ModelConfig& config);

}  // namespace gatehouse

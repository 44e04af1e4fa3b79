#include "formats/gguf_model.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/log.h"

namespace gatehouse {
namespace {

Result<int> Dimension(const GgufFile& file, const char* key, std::optional<int64_t> otherwise, int64_t high) {
  GATEHOUSE_ASSIGN(const int64_t value, file.Int(key, otherwise));
  if (value < 1 || value > high) {
    return ModelError("bad value", file.name() + ", key '" + key + "'", "from 1 to " + std::to_string(high),
                      std::to_string(value));
  }
  return static_cast<int>(value);
}

Result<void> ReadRope(const GgufFile& file, ModelConfig* config) {
  GATEHOUSE_ASSIGN(config->rope_theta, file.Number("llama.rope.freq_base", 10000.0));
  if (!(config->rope_theta >= 1.0 && config->rope_theta <= 1e12)) {
    return ModelError("bad value", file.name() + ", key 'llama.rope.freq_base'", "from 1 to 1e12",
                      std::to_string(config->rope_theta));
  }
  GATEHOUSE_ASSIGN(const int64_t rotated, file.Int("llama.rope.dimension_count", config->head_dim));
  if (rotated != config->head_dim) {
    return ModelError("not supported", file.name() + ", key 'llama.rope.dimension_count'",
                      std::to_string(config->head_dim), std::to_string(rotated));
  }
  // Older files have scale_linear alone.
  GATEHOUSE_ASSIGN(const double old_factor, file.Number("llama.rope.scale_linear", 1.0));
  GATEHOUSE_ASSIGN(const double factor, file.Number("llama.rope.scaling.factor", old_factor));
  // llama.cpp takes a factor without a type for a linear one.
  GATEHOUSE_ASSIGN(const std::string_view type,
                   file.String("llama.rope.scaling.type", factor == 1.0 ? "none" : "linear"));
  if (type == "linear") {
    if (!(factor >= 1e-3 && factor <= 1e6)) {
      return ModelError("bad value", file.name() + ", key 'llama.rope.scaling.factor'", "from 0.001 to 1e6",
                        std::to_string(factor));
    }
    config->rope.kind = RopeScaling::Kind::kLinear;
    config->rope.factor = factor;
  } else if (type != "none") {
    return ModelError("unknown rope scaling", file.name() + ", key 'llama.rope.scaling.type'",
                      "none or linear", "'" + std::string(type.substr(0, 80)) + "'");
  }
  const TensorView* divisors = file.Find("rope_freqs.weight");
  if (divisors == nullptr) {
    // Llama 3.1 and 3.2 rotate the lower frequencies slower (factor 8 or 32). Converters did not write that
    // at first; a context of 131072 with a base of 500000 is what such a file is known by.
    if (config->rope.kind == RopeScaling::Kind::kNone && config->rope_theta == 500000.0 &&
        config->max_position == 131072) {
      Log(LogLevel::kWarn, "positions rotate as Llama 3's in " + file.name() +
                               ": its context of 131072 says Llama 3.1 or 3.2, whose rotary scaling (tensor "
                               "rope_freqs.weight) is "
                               "missing, as in files that llama.cpp's converter wrote before August 2024; "
                               "verdicts differ from the "
                               "original's, the more the longer the text. Convert the model again");
    }
    return {};
  }
  const std::string where = file.name() + ", tensor 'rope_freqs.weight'";
  if (divisors->dtype != DType::kF32 || divisors->elements() != config->head_dim / 2) {
    return ModelError("bad tensor", where, "F32 [" + std::to_string(config->head_dim / 2) + "]",
                      std::string(DTypeName(divisors->dtype)) + " " + ShapeString(divisors->shape));
  }
  config->rope_divisors.resize(static_cast<size_t>(config->head_dim / 2));
  ToFloat(*divisors, 0, divisors->elements(), config->rope_divisors.data());
  for (float value : config->rope_divisors) {
    if (!(value > 0.0f) || !std::isfinite(value))
      return ModelError("bad value", where, "positive numbers", std::to_string(value));
  }
  return {};
}

struct KeyWithDefault {
  const char* key;
  double value;  // what changes nothing
};
// Keys of the architecture that would change the network, with the value that does not.
constexpr KeyWithDefault kPlainKeys[] = {{"llama.expert_count", 0},
                                         {"llama.expert_shared_count", 0},
                                         {"llama.logit_scale", 1},
                                         {"llama.embedding_scale", 1},
                                         {"llama.residual_scale", 1},
                                         {"llama.attention.scale", 0},
                                         {"llama.attention.sliding_window", 0},
                                         {"llama.attention.clamp_kqv", 0},
                                         {"llama.attention.max_alibi_bias", 0},
                                         {"llama.attn_logit_softcapping", 0},
                                         {"llama.final_logit_softcapping", 0},
                                         {"llama.rope.scaling.attn_factor", 1}};

Result<void> CheckPlainKeys(const GgufFile& file) {
  for (const KeyWithDefault& row : kPlainKeys) {
    GATEHOUSE_ASSIGN(const double value, file.Number(row.key, row.value));
    // Writers put 0 for "none" where 1 would say the same.
    if (value == row.value || value == 0) continue;
    return ModelError("not supported", file.name() + ", key '" + row.key + "'",
                      "none, or " + std::to_string(static_cast<int>(row.value)), std::to_string(value));
  }
  // The blocks' layout: version 1 had other ones under the same type numbers.
  GATEHOUSE_ASSIGN(const int64_t layout, file.Int("general.quantization_version", 2));
  if (layout != 2) {
    return ModelError("another layout of blocks", file.name() + ", key 'general.quantization_version'", "2",
                      std::to_string(layout));
  }
  GATEHOUSE_ASSIGN(const bool causal, file.Bool("llama.attention.causal", true));
  GATEHOUSE_ASSIGN(const bool parallel, file.Bool("llama.use_parallel_residual", false));
  if (!causal)
    return ModelError("not supported", file.name() + ", key 'llama.attention.causal'", "true", "false");
  if (parallel)
    return ModelError("not supported", file.name() + ", key 'llama.use_parallel_residual'", "false", "true");
  return {};
}

// GGUF holds adapters, vision encoders and statistics, too.
Result<void> CheckType(const GgufFile& file) {
  GATEHOUSE_ASSIGN(const std::string_view type, file.String("general.type", "model"));
  if (type == "model") return {};
  std::string found = "'" + std::string(type.substr(0, 80)) + "'";
  if (type == "adapter")
    found += ", a LoRA adapter: give the model, and the adapter in PEFT's form by --adapter";
  if (type == "mmproj" || type == "clip-vision")
    found += ", a vision encoder, which is a part of another model";
  if (type == "imatrix") found += ", statistics for rounding a model";
  return ModelError("not a model", file.name() + ", key 'general.type'", "'model'", found);
}

Result<void> ReadTokenIds(const GgufFile& file, ModelConfig* config) {
  GATEHOUSE_ASSIGN(const int64_t bos, file.Int("tokenizer.ggml.bos_token_id", -1));
  config->bos = bos >= 0 && bos < config->vocab ? static_cast<int32_t>(bos) : -1;
  for (const char* key :
       {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    GATEHOUSE_ASSIGN(const int64_t id, file.Int(key, -1));
    if (id < 0 || id >= config->vocab) continue;
    if (std::find(config->eos.begin(), config->eos.end(), id) == config->eos.end())
      config->eos.push_back(static_cast<int32_t>(id));
  }
  return {};
}

}  // namespace

Result<ModelConfig> ModelConfigFromGguf(const GgufFile& file) {
  GATEHOUSE_TRY(CheckType(file));
  GATEHOUSE_ASSIGN(const std::string_view architecture, file.String("general.architecture"));
  if (architecture != "llama") {
    return ModelError("unknown architecture", file.name() + ", key 'general.architecture'", "llama",
                      "'" + std::string(architecture.substr(0, 80)) + "'");
  }
  GATEHOUSE_TRY(CheckPlainKeys(file));

  ModelConfig config;
  config.family = ModelConfig::Family::kLlama;
  GATEHOUSE_ASSIGN(config.hidden, Dimension(file, "llama.embedding_length", {}, 1 << 17));
  GATEHOUSE_ASSIGN(config.layers, Dimension(file, "llama.block_count", {}, 1024));
  GATEHOUSE_ASSIGN(config.heads, Dimension(file, "llama.attention.head_count", {}, 4096));
  GATEHOUSE_ASSIGN(config.kv_heads, Dimension(file, "llama.attention.head_count_kv", config.heads, 4096));
  GATEHOUSE_ASSIGN(config.ffn_dense, Dimension(file, "llama.feed_forward_length", {}, 1 << 20));
  GATEHOUSE_ASSIGN(config.head_dim, Dimension(file, "llama.attention.key_length",
                                              std::max(1, config.hidden / config.heads), 1024));
  GATEHOUSE_ASSIGN(const int value_length,
                   Dimension(file, "llama.attention.value_length", config.head_dim, 1024));
  GATEHOUSE_ASSIGN(config.max_position, file.Int("llama.context_length", 2048));
  GATEHOUSE_ASSIGN(config.norm_eps, file.Number("llama.attention.layer_norm_rms_epsilon"));
  config.ffn_expert = config.ffn_dense;
  if (config.heads % config.kv_heads != 0 || config.head_dim % 2 != 0 || value_length != config.head_dim) {
    return ModelError("contradicting head counts", file.name(),
                      "heads a multiple of kv heads, even equal head sizes",
                      std::to_string(config.heads) + ", " + std::to_string(config.kv_heads) + ", " +
                          std::to_string(config.head_dim) + ", " + std::to_string(value_length));
  }
  if (!(config.norm_eps >= 1e-12 && config.norm_eps <= 0.1) || config.max_position < 1) {
    return ModelError("bad value", file.name(), "a norm epsilon from 1e-12 to 0.1, a context length",
                      std::to_string(config.norm_eps));
  }
  const TensorView* table = file.Find("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2 || table->shape[0] > (1 << 22)) {
    return ModelError("tensor missing", file.name(), "'token_embd.weight' [vocab, hidden]",
                      table == nullptr ? "none" : ShapeString(table->shape));
  }
  config.vocab = static_cast<int>(table->shape[0]);
  config.tied = file.Find("output.weight") == nullptr;
  const auto layers = static_cast<size_t>(config.layers);
  config.is_moe.assign(layers, 0);
  config.uses_rope.assign(layers, 1);
  config.chunked.assign(layers, 0);
  GATEHOUSE_TRY(ReadRope(file, &config));
  GATEHOUSE_TRY(ReadTokenIds(file, &config));
  return config;
}

}  // namespace gatehouse

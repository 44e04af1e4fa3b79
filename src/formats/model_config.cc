#include "formats/model_config.h"

#include <cmath>

#include "base/error.h"
#include "formats/config_reader.h"

namespace gatehouse {
namespace {

Result<RopeScaling> ReadRope(const ConfigReader& text, double* theta) {
  RopeScaling rope;
  GATEHOUSE_ASSIGN(*theta, text.Number("rope_theta", 500000.0, 1.0, 1e12));
  // Old: rope_theta beside rope_scaling. New: rope_parameters holds both.
  GATEHOUSE_ASSIGN(const std::optional<ConfigReader> parameters, text.Child("rope_parameters"));
  GATEHOUSE_ASSIGN(const std::optional<ConfigReader> scaling, text.Child("rope_scaling"));
  const std::optional<ConfigReader>& from = parameters ? parameters : scaling;
  if (!from) return rope;
  if (parameters) {
    GATEHOUSE_ASSIGN(*theta, parameters->Number("rope_theta", *theta, 1.0, 1e12));
  }
  GATEHOUSE_ASSIGN(std::string kind, from->String("rope_type", ""));
  if (kind.empty()) {
    GATEHOUSE_ASSIGN(kind, from->String("type", "default"));
  }
  if (kind == "default") return rope;
  if (kind != "llama3" && kind != "linear") {
    return ModelError("unsupported rope scaling", from->Where("rope_type"), "llama3, linear or default", kind);
  }
  rope.kind = kind == "llama3" ? RopeScaling::Kind::kLlama3 : RopeScaling::Kind::kLinear;
  GATEHOUSE_ASSIGN(rope.factor, from->Number("factor", 8.0, 1e-6, 1e6));
  GATEHOUSE_ASSIGN(rope.low_freq_factor, from->Number("low_freq_factor", 1.0, 1e-6, 1e6));
  GATEHOUSE_ASSIGN(rope.high_freq_factor, from->Number("high_freq_factor", 4.0, 1e-6, 1e6));
  GATEHOUSE_ASSIGN(rope.original_max_position, from->Integer("original_max_position_embeddings", 8192, 1, 1 << 30));
  if (rope.high_freq_factor < rope.low_freq_factor) {
    return ModelError("contradicting rope scaling", from->Where("high_freq_factor"), "at least low_freq_factor",
                      std::to_string(rope.high_freq_factor));
  }
  return rope;
}

// Which layers rotate, which are chunked, which have experts.
Result<void> ReadLayerKinds(const ConfigReader& text, ModelConfig* config) {
  const size_t layers = static_cast<size_t>(config->layers);
  config->uses_rope.assign(layers, 1);
  config->chunked.assign(layers, 0);
  config->is_moe.assign(layers, 0);
  if (config->family == ModelConfig::Family::kLlama) return {};

  GATEHOUSE_ASSIGN(const std::vector<int64_t> no_rope, text.Integers("no_rope_layers", 0, 1));
  GATEHOUSE_ASSIGN(const int64_t interval, text.Integer("no_rope_layer_interval", 4, 1, 1 << 20));
  if (!no_rope.empty() && no_rope.size() != layers) {
    return ModelError("wrong length", text.Where("no_rope_layers"), std::to_string(layers) + " entries", std::to_string(no_rope.size()));
  }
  for (size_t i = 0; i < layers; ++i) {
    // In the list a 1 means that rope IS used.
    config->uses_rope[i] = static_cast<uint8_t>(no_rope.empty() ? (static_cast<int64_t>(i) + 1) % interval != 0 : no_rope[i] != 0);
  }

  // Absent is the class default 8192; null is none.
  GATEHOUSE_ASSIGN(config->attention_chunk, text.Integer("attention_chunk_size", 8192, 1, 1 << 30, /*null_value=*/0));
  GATEHOUSE_ASSIGN(const std::vector<std::string> types, text.Strings("layer_types"));
  if (!types.empty() && types.size() != layers) {
    return ModelError("wrong length", text.Where("layer_types"), std::to_string(layers) + " entries", std::to_string(types.size()));
  }
  for (size_t i = 0; i < layers; ++i) {
    if (!types.empty() && types[i] != "full_attention" && types[i] != "chunked_attention") {
      return ModelError("unsupported layer type", text.Where("layer_types"), "full_attention or chunked_attention", types[i]);
    }
    const bool chunked = types.empty() ? config->uses_rope[i] != 0 : types[i] == "chunked_attention";
    config->chunked[i] = static_cast<uint8_t>(chunked && config->attention_chunk > 0);
  }

  GATEHOUSE_ASSIGN(const int64_t experts, text.Integer("num_local_experts", 16, 0, 4096));
  GATEHOUSE_ASSIGN(const int64_t per_token, text.Integer("num_experts_per_tok", 1, 1, 4096));
  config->experts = static_cast<int>(experts);
  config->experts_per_token = static_cast<int>(per_token);
  GATEHOUSE_ASSIGN(const int64_t step, text.Integer("interleave_moe_layer_step", 1, 0, 1 << 20));
  if (text.Has("moe_layers")) {
    GATEHOUSE_ASSIGN(const std::vector<int64_t> moe, text.Integers("moe_layers", 0, config->layers - 1));
    for (int64_t layer : moe) config->is_moe[static_cast<size_t>(layer)] = 1;
  } else if (step > 0 && experts > 0) {
    for (size_t i = static_cast<size_t>(step) - 1; i < layers; i += static_cast<size_t>(step)) config->is_moe[i] = 1;
  }
  for (size_t i = 0; i < layers; ++i) {
    if (config->is_moe[i] != 0 && (config->experts == 0 || config->experts_per_token > config->experts)) {
      return ModelError("layer with experts but not enough of them", text.Where("num_local_experts"),
                        "at least " + std::to_string(config->experts_per_token), std::to_string(config->experts));
    }
  }
  return {};
}

Result<void> ReadText(const ConfigReader& text, ModelConfig* config) {
  const auto dimension = [&](const char* key, int64_t fallback, int* out) -> Result<void> {
    GATEHOUSE_ASSIGN(const int64_t value, text.Integer(key, fallback, 1, 1 << 24));
    *out = static_cast<int>(value);
    return {};
  };
  const bool llama4 = config->family == ModelConfig::Family::kLlama4;
  GATEHOUSE_TRY(dimension("hidden_size", llama4 ? 5120 : 4096, &config->hidden));
  GATEHOUSE_TRY(dimension("num_hidden_layers", llama4 ? 48 : 32, &config->layers));
  GATEHOUSE_TRY(dimension("num_attention_heads", llama4 ? 40 : 32, &config->heads));
  GATEHOUSE_TRY(dimension("num_key_value_heads", llama4 ? 8 : config->heads, &config->kv_heads));
  GATEHOUSE_TRY(dimension("head_dim", llama4 ? 128 : config->hidden / config->heads, &config->head_dim));
  GATEHOUSE_TRY(dimension("vocab_size", llama4 ? 202048 : 32000, &config->vocab));
  GATEHOUSE_TRY(dimension("intermediate_size", llama4 ? 8192 : 11008, &config->ffn_expert));
  config->ffn_dense = config->ffn_expert;
  if (llama4) GATEHOUSE_TRY(dimension("intermediate_size_mlp", 16384, &config->ffn_dense));
  if (config->layers > 4096) {
    return ModelError("too many layers", text.Where("num_hidden_layers"), "at most 4096", std::to_string(config->layers));
  }
  if (config->heads % config->kv_heads != 0) {
    return ModelError("query heads must be a multiple of key/value heads", text.Where("num_attention_heads"),
                      "a multiple of " + std::to_string(config->kv_heads), std::to_string(config->heads));
  }
  if (config->head_dim % 2 != 0 || config->head_dim > 1024) {
    return ModelError("unsupported head size", text.Where("head_dim"), "an even number up to 1024", std::to_string(config->head_dim));
  }
  GATEHOUSE_ASSIGN(config->norm_eps, text.Number("rms_norm_eps", llama4 ? 1e-5 : 1e-6, 0.0, 1.0));
  GATEHOUSE_ASSIGN(const std::string activation, text.String("hidden_act", "silu"));
  if (activation != "silu") return ModelError("unsupported activation", text.Where("hidden_act"), "silu", activation);
  GATEHOUSE_ASSIGN(const bool bias, text.Bool("attention_bias", false));
  GATEHOUSE_ASSIGN(const bool mlp_bias, text.Bool("mlp_bias", false));
  if (bias || mlp_bias) return ModelError("biases are not supported", text.Where("attention_bias"), "false", "true");
  GATEHOUSE_ASSIGN(config->tied, text.Bool("tie_word_embeddings", false));
  GATEHOUSE_ASSIGN(config->rope, ReadRope(text, &config->rope_theta));
  if (llama4) {
    GATEHOUSE_ASSIGN(config->qk_norm, text.Bool("use_qk_norm", true));
    // Written as a truth value or, by some versions, as a number.
    GATEHOUSE_ASSIGN(config->temperature_tuning, text.Bool("attn_temperature_tuning", true));
    GATEHOUSE_ASSIGN(config->floor_scale, text.Number("floor_scale", 8192.0, 1.0, 1e12));
    GATEHOUSE_ASSIGN(config->attn_scale, text.Number("attn_scale", 0.1, 0.0, 1e6));
  }
  GATEHOUSE_ASSIGN(config->max_position, text.Integer("max_position_embeddings", llama4 ? 4096 * 32 : 2048, 1, 1ll << 40));
  GATEHOUSE_ASSIGN(const int64_t bos, text.Integer("bos_token_id", -1, -1, config->vocab - 1, -1));
  config->bos = static_cast<int32_t>(bos);
  GATEHOUSE_ASSIGN(const std::vector<int64_t> eos, text.Integers("eos_token_id", 0, config->vocab - 1));
  for (int64_t id : eos) config->eos.push_back(static_cast<int32_t>(id));
  return ReadLayerKinds(text, config);
}

Result<void> ReadVision(const ConfigReader& reader, VisionConfig* vision) {
  const auto dimension = [&](const char* key, int fallback, int* out) -> Result<void> {
    GATEHOUSE_ASSIGN(const int64_t value, reader.Integer(key, fallback, 1, 1 << 20));
    *out = static_cast<int>(value);
    return {};
  };
  vision->present = true;
  GATEHOUSE_TRY(dimension("hidden_size", vision->hidden, &vision->hidden));
  GATEHOUSE_TRY(dimension("num_hidden_layers", vision->layers, &vision->layers));
  GATEHOUSE_TRY(dimension("num_attention_heads", vision->heads, &vision->heads));
  GATEHOUSE_TRY(dimension("intermediate_size", vision->ffn, &vision->ffn));
  GATEHOUSE_TRY(dimension("num_channels", vision->channels, &vision->channels));
  GATEHOUSE_TRY(dimension("image_size", vision->image_size, &vision->image_size));
  GATEHOUSE_TRY(dimension("patch_size", vision->patch_size, &vision->patch_size));
  GATEHOUSE_TRY(dimension("vision_output_dim", vision->output, &vision->output));
  GATEHOUSE_TRY(dimension("projector_input_dim", vision->projector_input, &vision->projector_input));
  GATEHOUSE_TRY(dimension("projector_output_dim", vision->projector_output, &vision->projector_output));
  GATEHOUSE_ASSIGN(vision->norm_eps, reader.Number("norm_eps", 1e-5, 0.0, 1.0));
  GATEHOUSE_ASSIGN(vision->rope_theta, reader.Number("rope_theta", 10000.0, 1.0, 1e12));
  GATEHOUSE_ASSIGN(const double ratio, reader.Number("pixel_shuffle_ratio", 0.5, 0.0, 1.0));
  if (ratio != 0.5) return ModelError("unsupported pixel shuffle", reader.Where("pixel_shuffle_ratio"), "0.5", std::to_string(ratio));
  if (vision->channels != 3) return ModelError("unsupported channels", reader.Where("num_channels"), "3", std::to_string(vision->channels));
  if (vision->image_size % (2 * vision->patch_size) != 0 || vision->image_size > 4096) {
    return ModelError("unsupported image size", reader.Where("image_size"), "an even number of patches, at most 4096 pixels",
                      std::to_string(vision->image_size));
  }
  if (vision->hidden % vision->heads != 0 || vision->hidden / vision->heads % 4 != 0) {
    return ModelError("unsupported vision head size", reader.Where("num_attention_heads"), "hidden_size / heads a multiple of 4",
                      std::to_string(vision->heads));
  }
  if (vision->output != vision->projector_output) {
    return ModelError("contradicting widths", reader.Where("vision_output_dim"), "projector_output_dim", std::to_string(vision->output));
  }
  return {};
}

}  // namespace

Result<ModelConfig> ParseModelConfig(std::string_view json, const std::string& name) {
  GATEHOUSE_ASSIGN(const Json root_json, ParseJson(json, name, ErrorCode::kModel));
  if (!root_json.is_object()) return ModelError("malformed config", name, "a JSON object", "something else");
  const ConfigReader root(root_json, name);
  ModelConfig config;
  GATEHOUSE_ASSIGN(const std::string type, root.String("model_type", ""));
  if (type == "llama4" || type == "llama4_text") {
    config.family = ModelConfig::Family::kLlama4;
  } else if (type == "llama") {
    config.family = ModelConfig::Family::kLlama;
  } else {
    return ModelError("unsupported model type", root.Where("model_type"), "llama4, llama4_text or llama", type.empty() ? "none" : type);
  }
  GATEHOUSE_ASSIGN(const std::optional<ConfigReader> text, root.Child("text_config"));
  GATEHOUSE_TRY(ReadText(text ? *text : root, &config));
  if (text && !text->Has("tie_word_embeddings")) {
    GATEHOUSE_ASSIGN(config.tied, root.Bool("tie_word_embeddings", false));
  }
  GATEHOUSE_ASSIGN(const std::optional<ConfigReader> vision, root.Child("vision_config"));
  if (vision && type == "llama4") GATEHOUSE_TRY(ReadVision(*vision, &config.vision));
  GATEHOUSE_ASSIGN(const int64_t image_token, root.Integer("image_token_index", 200092, 0, 1 << 24, 200092));
  config.image_token = static_cast<int32_t>(image_token);
  return config;
}

}  // namespace gatehouse

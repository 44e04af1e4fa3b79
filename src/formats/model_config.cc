#include "formats/model_config.h"

#include <algorithm>

#include "base/error.h"
#include "formats/json.h"
#include "formats/model_config_parts.h"
#include "formats/quantization_config.h"

namespace gatehouse {
namespace {

// What an absent key means depends on the class that transformers would make of the file.
struct Defaults {
  int64_t hidden, layers, heads, ffn, vocab, max_position;
  double norm_eps, rope_theta;
};
constexpr Defaults kLlama4Defaults{5120, 48, 40, 8192, 202048, 131072, 1e-5, 500000.0};
constexpr Defaults kLlamaDefaults{4096, 32, 32, 11008, 32000, 2048, 1e-6, 10000.0};

Result<void> RefuseTrue(const JsonFields& fields, const char* key) {
  // null is how some writers say "not set".
  if (fields.IsNull(key)) return {};
  GATEHOUSE_ASSIGN(const bool value, fields.Bool(key, false));
  if (value) return ModelError("not supported", fields.Where(key), "false", "true");
  return {};
}

Result<void> RequireString(const JsonFields& fields, const char* key, const char* only) {
  GATEHOUSE_ASSIGN(const std::string value, fields.String(key, only));
  if (value != only) return ModelError("not supported", fields.Where(key), only, value);
  return {};
}

// A list of per-layer numbers; whole must hold `layers` of them.
Result<std::vector<int64_t>> IntList(const Json& value, const std::string& where, int64_t low, int64_t high) {
  if (!value.is_array()) return ModelError("bad value", where, "a list of numbers", value.type_name());
  std::vector<int64_t> out;
  for (const Json& item : value) {
    // Both true and 1 are written for switches.
    const int64_t number = item.is_boolean()          ? static_cast<int64_t>(item.get<bool>())
                           : item.is_number_integer() ? item.get<int64_t>()
                                                      : low - 1;
    if (number < low || number > high) {
      return ModelError("bad value", where,
                        "numbers from " + std::to_string(low) + " to " + std::to_string(high), item.dump());
    }
    out.push_back(number);
  }
  return out;
}

Result<void> ParseDimensions(const JsonFields& fields, const Defaults& defaults, ModelConfig* config) {
  GATEHOUSE_ASSIGN(config->hidden, fields.Int("hidden_size", defaults.hidden, 1, 1 << 17));
  GATEHOUSE_ASSIGN(config->layers, fields.Int("num_hidden_layers", defaults.layers, 1, 1024));
  GATEHOUSE_ASSIGN(config->heads, fields.Int("num_attention_heads", defaults.heads, 1, 4096));
  const bool llama4 = config->family == ModelConfig::Family::kLlama4;
  // The defaults of the two families' own classes; a null means "as many as heads" in both.
  const int64_t kv_default = llama4 ? 8 : config->heads;
  if (fields.IsNull("num_key_value_heads")) {
    config->kv_heads = config->heads;
  } else {
    GATEHOUSE_ASSIGN(config->kv_heads, fields.Int("num_key_value_heads", kv_default, 1, 4096));
  }
  if (config->heads % config->kv_heads != 0) {
    return ModelError("bad value", fields.Where("num_key_value_heads"),
                      "a divisor of " + std::to_string(config->heads), std::to_string(config->kv_heads));
  }
  // Llama 4 has a default of its own (128), Llama derives it.
  if (fields.IsNull("head_dim") || (!llama4 && !fields.Has("head_dim"))) {
    if (config->hidden % config->heads != 0) {
      return ModelError("field missing", fields.Where("head_dim"),
                        "a size, since hidden_size is no multiple of the heads", "nothing");
    }
    config->head_dim = config->hidden / config->heads;
  } else {
    GATEHOUSE_ASSIGN(config->head_dim, fields.Int("head_dim", 128, 1, 1024));
  }
  // Rotary positions take values in pairs.
  if (config->head_dim % 2 != 0 || config->head_dim > 1024) {
    return ModelError("bad value", fields.Where("head_dim"), "an even number up to 1024",
                      std::to_string(config->head_dim));
  }
  GATEHOUSE_ASSIGN(config->ffn_expert, fields.Int("intermediate_size", defaults.ffn, 1, 1 << 20));
  config->ffn_dense = config->ffn_expert;
  if (llama4) {
    GATEHOUSE_ASSIGN(config->ffn_dense, fields.Int("intermediate_size_mlp", 16384, 1, 1 << 20));
  }
  GATEHOUSE_ASSIGN(config->vocab, fields.Int("vocab_size", defaults.vocab, 1, 1 << 22));
  GATEHOUSE_ASSIGN(config->norm_eps, fields.Number("rms_norm_eps", defaults.norm_eps, 1e-12, 0.1));
  GATEHOUSE_ASSIGN(config->max_position,
                   fields.Int64("max_position_embeddings", defaults.max_position, 1, int64_t{1} << 32));
  return {};
}

Result<void> ParseTokenIds(const JsonFields& fields, ModelConfig* config) {
  if (fields.Has("bos_token_id") && !fields.IsNull("bos_token_id")) {
    GATEHOUSE_ASSIGN(config->bos, fields.Int("bos_token_id", -1, 0, 1 << 22));
  }
  const Json* eos = fields.Find("eos_token_id");
  if (eos == nullptr || eos->is_null()) return {};
  // One id, or several: either may end a text.
  const Json list = eos->is_array() ? *eos : Json::array({*eos});
  GATEHOUSE_ASSIGN(const std::vector<int64_t> ids, IntList(list, fields.Where("eos_token_id"), 0, 1 << 22));
  for (int64_t id : ids) config->eos.push_back(static_cast<int32_t>(id));
  return {};
}

// Which layers have experts, and how many of these.
Result<void> ParseExperts(const JsonFields& fields, ModelConfig* config) {
  GATEHOUSE_ASSIGN(config->experts, fields.Int("num_local_experts", 16, 0, 4096));
  GATEHOUSE_ASSIGN(config->experts_per_token, fields.Int("num_experts_per_tok", 1, 0, 4096));
  GATEHOUSE_ASSIGN(const int64_t step, fields.Int64("interleave_moe_layer_step", 1, 0, 1024));
  config->is_moe.assign(static_cast<size_t>(config->layers), 0);
  const Json* list = fields.Find("moe_layers");
  if (list != nullptr && !list->is_null()) {
    GATEHOUSE_ASSIGN(const std::vector<int64_t> layers,
                     IntList(*list, fields.Where("moe_layers"), 0, config->layers - 1));
    for (int64_t layer : layers) config->is_moe[static_cast<size_t>(layer)] = 1;
  } else if (step > 0) {
    // Every step-th layer, the last of each group.
    for (int64_t layer = step - 1; layer < config->layers; layer += step)
      config->is_moe[static_cast<size_t>(layer)] = 1;
  }
  const bool any = std::find(config->is_moe.begin(), config->is_moe.end(), 1) != config->is_moe.end();
  if (any && config->experts == 0) {
    return ModelError("bad value", fields.Where("num_local_experts"), "at least 1, since layers have experts",
                      "0");
  }
  if (any && (config->experts_per_token < 1 || config->experts_per_token > config->experts)) {
    return ModelError("bad value", fields.Where("num_experts_per_tok"),
                      "from 1 to " + std::to_string(config->experts),
                      std::to_string(config->experts_per_token));
  }
  // A number that no layer uses must not make memory for experts.
  if (!any) config->experts = 0;
  return {};
}

// RoPE, chunks and temperature, layer by layer.
Result<void> ParseAttentionKinds(const JsonFields& fields, ModelConfig* config) {
  const auto layers = static_cast<size_t>(config->layers);
  config->uses_rope.assign(layers, 1);
  const Json* rope = fields.Find("no_rope_layers");  // 1 means that the layer does use RoPE
  if (rope != nullptr && !rope->is_null() && !(rope->is_array() && rope->empty())) {
    GATEHOUSE_ASSIGN(const std::vector<int64_t> uses, IntList(*rope, fields.Where("no_rope_layers"), 0, 1));
    if (uses.size() != layers) {
      return ModelError("bad length", fields.Where("no_rope_layers"), std::to_string(layers),
                        std::to_string(uses.size()));
    }
    for (size_t i = 0; i < layers; ++i) config->uses_rope[i] = static_cast<uint8_t>(uses[i]);
  } else {
    GATEHOUSE_ASSIGN(const int64_t interval, fields.Int64("no_rope_layer_interval", 4, 1, 1 << 20));
    for (size_t i = 0; i < layers; ++i) config->uses_rope[i] = (static_cast<int64_t>(i) + 1) % interval != 0;
  }

  config->attention_chunk = 0;
  if (!fields.IsNull("attention_chunk_size")) {
    GATEHOUSE_ASSIGN(config->attention_chunk,
                     fields.Int64("attention_chunk_size", 8192, 1, int64_t{1} << 32));
  }
  // Unless layer_types says otherwise, layers with rotary positions look at their chunk, those without at
  // everything.
  config->chunked = config->uses_rope;
  const Json* types = fields.Find("layer_types");
  if (types != nullptr && !types->is_null()) {
    if (!types->is_array() || types->size() != layers) {
      return ModelError("bad value", fields.Where("layer_types"), "a list of " + std::to_string(layers),
                        types->type_name());
    }
    for (size_t i = 0; i < layers; ++i) {
      const Json& type = (*types)[i];
      if (type != "chunked_attention" && type != "full_attention") {
        return ModelError("bad value", fields.Where("layer_types"), "chunked_attention or full_attention",
                          type.dump());
      }
      config->chunked[i] = type == "chunked_attention";
    }
  }
  if (config->attention_chunk == 0) config->chunked.assign(layers, 0);

  GATEHOUSE_ASSIGN(config->qk_norm, fields.Bool("use_qk_norm", true));
  const Json* tuning = fields.Find("attn_temperature_tuning");  // true, or 4 in the first uploads
  if (tuning != nullptr && tuning->is_number_integer()) {
    config->temperature_tuning = tuning->get<int64_t>() != 0;
  } else {
    GATEHOUSE_ASSIGN(config->temperature_tuning, fields.Bool("attn_temperature_tuning", true));
  }
  GATEHOUSE_ASSIGN(config->floor_scale, fields.Number("floor_scale", 8192.0, 1.0, 1e12));
  GATEHOUSE_ASSIGN(config->attn_scale, fields.Number("attn_scale", 0.1, 0.0, 1e3));
  return {};
}

Result<void> ParseText(const Json& object, const std::string& where, ModelConfig* config) {
  const JsonFields fields(object, where);
  const bool llama4 = config->family == ModelConfig::Family::kLlama4;
  const Defaults& defaults = llama4 ? kLlama4Defaults : kLlamaDefaults;
  GATEHOUSE_TRY(RequireString(fields, "hidden_act", "silu"));
  GATEHOUSE_TRY(RefuseTrue(fields, "attention_bias"));
  GATEHOUSE_TRY(RefuseTrue(fields, "mlp_bias"));
  GATEHOUSE_TRY(ParseDimensions(fields, defaults, config));
  GATEHOUSE_TRY(ParseRope(fields, defaults.rope_theta, config));
  GATEHOUSE_TRY(ParseTokenIds(fields, config));
  if (fields.Has("tie_word_embeddings") && !fields.IsNull("tie_word_embeddings")) {
    GATEHOUSE_ASSIGN(config->tied, fields.Bool("tie_word_embeddings", false));
  }
  if (llama4) {
    GATEHOUSE_TRY(ParseExperts(fields, config));
    GATEHOUSE_TRY(ParseAttentionKinds(fields, config));
    return {};
  }
  const auto layers = static_cast<size_t>(config->layers);
  config->is_moe.assign(layers, 0);
  config->uses_rope.assign(layers, 1);
  config->chunked.assign(layers, 0);
  config->experts = 0;
  config->qk_norm = config->temperature_tuning = false;
  return {};
}

Result<void> ParseNested(const Json& root, const JsonFields& top, ModelConfig* config) {
  const Json* text = top.Find("text_config");
  if (text == nullptr || !text->is_object()) {
    return ModelError("bad value", top.Where("text_config"), "an object",
                      text == nullptr ? "nothing" : text->type_name());
  }
  GATEHOUSE_TRY(ParseText(*text, top.Where("text_config"), config));
  const JsonFields inner(*text, top.Where("text_config"));
  GATEHOUSE_TRY(RefuseOuterRope(top, inner));
  if (root.contains("tie_word_embeddings") && !top.IsNull("tie_word_embeddings")) {
    GATEHOUSE_ASSIGN(const bool outer, top.Bool("tie_word_embeddings", false));
    const bool said_inside = inner.Has("tie_word_embeddings") && !inner.IsNull("tie_word_embeddings");
    // Said both ways, it says nothing: then there must be a head in the file.
    config->tied = said_inside ? config->tied && outer : outer;
  }
  // The name changed between versions of transformers.
  const char* image_key = top.Has("image_token_id") ? "image_token_id" : "image_token_index";
  GATEHOUSE_ASSIGN(config->image_token, top.Int(image_key, 200092, 0, 1 << 22));
  const Json* vision = top.Find("vision_config");
  if (vision == nullptr || vision->is_null()) return {};
  if (!vision->is_object())
    return ModelError("bad value", top.Where("vision_config"), "an object", vision->type_name());
  return ParseVision(JsonFields(*vision, top.Where("vision_config")), &config->vision);
}

}  // namespace

Result<ModelConfig> ParseModelConfig(std::string_view text, const std::string& name) {
  GATEHOUSE_ASSIGN(const Json root, ParseJson(text, name, ErrorCode::kModel, kManyMembers));
  if (!root.is_object()) return ModelError("bad config", name, "a JSON object", root.type_name());
  const JsonFields top(root, name);
  GATEHOUSE_ASSIGN(const std::string type, top.String("model_type", std::nullopt));
  ModelConfig config;
  GATEHOUSE_ASSIGN(config.scaled, ParseQuantization(root, name));
  if (type == "llama4") {
    GATEHOUSE_TRY(ParseNested(root, top, &config));
  } else if (type == "llama4_text" || type == "llama") {
    config.family = type == "llama" ? ModelConfig::Family::kLlama : ModelConfig::Family::kLlama4;
    GATEHOUSE_TRY(ParseText(root, name, &config));
  } else {
    return ModelError("unknown kind of model", top.Where("model_type"), "llama4, llama4_text or llama",
                      "'" + type.substr(0, 80) + "'");
  }
  return config;
}

}  // namespace gatehouse

#include "formats/json.h"
#include "formats/model_config.h"

namespace gatehouse {
namespace {

Json RopeJson(const RopeScaling& rope) {
  switch (rope.kind) {
    case RopeScaling::Kind::kNone:
      return nullptr;
    case RopeScaling::Kind::kLinear:
      return {{"rope_type", "linear"}, {"factor", rope.factor}};
    case RopeScaling::Kind::kLlama3:
      break;
  }
  return {{"rope_type", "llama3"},
          {"factor", rope.factor},
          {"low_freq_factor", rope.low_freq_factor},
          {"high_freq_factor", rope.high_freq_factor},
          {"original_max_position_embeddings", rope.original_max_position}};
}

Json TextJson(const ModelConfig& config) {
  const bool llama4 = config.family == ModelConfig::Family::kLlama4;
  Json text;
  text["model_type"] = llama4 ? "llama4_text" : "llama";
  text["hidden_size"] = config.hidden;
  text["num_hidden_layers"] = config.layers;
  text["num_attention_heads"] = config.heads;
  text["num_key_value_heads"] = config.kv_heads;
  text["head_dim"] = config.head_dim;
  text["intermediate_size"] = llama4 ? config.ffn_expert : config.ffn_dense;
  if (llama4) text["intermediate_size_mlp"] = config.ffn_dense;
  text["vocab_size"] = config.vocab;
  text["tie_word_embeddings"] = config.tied;
  text["rms_norm_eps"] = config.norm_eps;
  text["hidden_act"] = "silu";
  text["rope_theta"] = config.rope_theta;
  text["rope_scaling"] = RopeJson(config.rope);
  text["attention_bias"] = false;
  text["attention_dropout"] = 0.0;
  if (!llama4) text["mlp_bias"] = false;
  text["max_position_embeddings"] = config.max_position;
  if (llama4) {
    Json moe_layers = Json::array(), layer_types = Json::array();
    for (size_t i = 0; i < config.is_moe.size(); ++i) {
      if (config.is_moe[i] != 0) moe_layers.push_back(i);
      layer_types.push_back(config.chunked[i] != 0 ? "chunked_attention" : "full_attention");
    }
    text["attention_chunk_size"] = config.attention_chunk > 0 ? Json(config.attention_chunk) : Json(nullptr);
    text["no_rope_layers"] = config.uses_rope;
    // Without chunks the types would follow from no_rope_layers, and their absence is what is published.
    if (config.attention_chunk > 0) text["layer_types"] = layer_types;
    text["interleave_moe_layer_step"] = moe_layers.empty() ? 0 : 1;
    text["moe_layers"] = moe_layers;
    text["num_local_experts"] = config.experts;
    text["num_experts_per_tok"] = config.experts_per_token;
    text["use_qk_norm"] = config.qk_norm;
    text["attn_temperature_tuning"] = config.temperature_tuning;
    text["floor_scale"] = config.floor_scale;
    text["attn_scale"] = config.attn_scale;
  }
  if (config.bos >= 0) text["bos_token_id"] = config.bos;
  if (!config.eos.empty()) text["eos_token_id"] = config.eos;
  text["torch_dtype"] = "bfloat16";
  return text;
}

Json VisionJson(const VisionConfig& vision) {
  return {{"model_type", "llama4_vision_model"},
          {"hidden_size", vision.hidden},
          {"num_hidden_layers", vision.layers},
          {"num_attention_heads", vision.heads},
          {"intermediate_size", vision.ffn},
          {"num_channels", vision.channels},
          {"image_size", vision.image_size},
          {"patch_size", vision.patch_size},
          {"norm_eps", vision.norm_eps},
          {"hidden_act", "gelu"},
          {"pixel_shuffle_ratio", 0.5},
          {"vision_output_dim", vision.output},
          {"projector_input_dim", vision.projector_input},
          {"projector_output_dim", vision.projector_output},
          {"multi_modal_projector_bias", false},
          {"projector_dropout", 0.0},
          {"attention_dropout", 0.0},
          {"vision_feature_select_strategy", "default"},
          {"rope_theta", vision.rope_theta}};
}

}  // namespace

std::string ModelConfigToJson(const ModelConfig& config) {
  Json root;
  if (config.family == ModelConfig::Family::kLlama) {
    root = TextJson(config);
    root["architectures"] = {"LlamaForCausalLM"};
  } else if (!config.vision.present) {
    root = TextJson(config);
    root["architectures"] = {"Llama4ForCausalLM"};
  } else {
    root["architectures"] = {"Llama4ForConditionalGeneration"};
    root["model_type"] = "llama4";
    root["torch_dtype"] = "bfloat16";
    root["boi_token_index"] = 200080;
    root["eoi_token_index"] = 200081;
    root["image_token_index"] = config.image_token;
    root["tie_word_embeddings"] = config.tied;
    root["text_config"] = TextJson(config);
    root["vision_config"] = VisionJson(config.vision);
  }
  return root.dump(2) + "\n";
}

}  // namespace gatehouse

#include <algorithm>

#include "base/error.h"
#include "checkpoint/prune.h"
#include "formats/json.h"
#include "formats/model_config.h"

namespace gatehouse {
namespace {

// Llama Guard 4's: RoPE on every layer, no chunks, rope 8/1/4 over 8192 positions.
void UseGuardAttention(int layers, Json* text) {
  Json ones = Json::array();
  for (int i = 0; i < layers; ++i) ones.push_back(1);
  (*text)["no_rope_layers"] = ones;
  (*text)["attention_chunk_size"] = nullptr;
  (*text)["max_position_embeddings"] = 8192;
  text->erase("layer_types");
  text->erase("no_rope_layer_interval");
  // The spelling of the rope block stays, and with it a theta that the new one holds.
  const bool is_new = text->contains("rope_parameters") && (*text)["rope_parameters"].is_object();
  Json& rope = (*text)[is_new ? "rope_parameters" : "rope_scaling"];
  if (!rope.is_object()) rope = Json::object();
  rope.erase("type");
  rope["rope_type"] = "llama3";
  rope["factor"] = 8.0;
  rope["low_freq_factor"] = 1.0;
  rope["high_freq_factor"] = 4.0;
  rope["original_max_position_embeddings"] = 8192;
}

}  // namespace

Result<std::string> PrunedConfig(const std::string& config_json, const std::string& name,
                                 bool keep_attention) {
  GATEHOUSE_ASSIGN(const ModelConfig config, ParseModelConfig(config_json, name));
  const auto moe_layers = std::count(config.is_moe.begin(), config.is_moe.end(), 1);
  if (config.family != ModelConfig::Family::kLlama4 || moe_layers != config.layers) {
    return ModelError(
        "not a mixture like Llama 4 Scout", name, "llama4 with experts in every layer",
        std::to_string(moe_layers) + " of " + std::to_string(config.layers) + " layers with experts");
  }
  GATEHOUSE_ASSIGN(Json root, ParseJson(config_json, name, ErrorCode::kModel, kManyMembers));
  Json& text = root.contains("text_config") ? root["text_config"] : root;
  text["intermediate_size"] = config.ffn_expert;
  text["intermediate_size_mlp"] = config.ffn_expert;  // the shared expert's width is now the layer's
  text["interleave_moe_layer_step"] = 0;
  text["moe_layers"] = Json::array();
  text["num_local_experts"] = 0;
  text["num_experts_per_tok"] = 1;
  if (!keep_attention) UseGuardAttention(config.layers, &text);
  const std::string out = root.dump(2) + "\n";
  // What was written must read as what was meant.
  GATEHOUSE_ASSIGN(const ModelConfig pruned, ParseModelConfig(out, name));
  if (pruned.experts != 0 || pruned.ffn_dense != config.ffn_expert)
    return InternalError("pruned configuration is inconsistent", name);
  return out;
}

}  // namespace gatehouse

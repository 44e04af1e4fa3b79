#include "formats/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

namespace gatehouse {
namespace {

using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = RopeScaling::Kind;

const json& Manifest() {
  static const json manifest = json::parse(std::ifstream(GATEHOUSE_SOURCE_DIR "/tests/golden/manifest.json"));
  return manifest;
}
json Recipe(const char* name) { return Manifest()["recipes"][name]["config"]; }

Result<ModelConfig> Parse(const json& config) { return ParseModelConfig(config.dump(), "config.json"); }

ModelConfig Good(const json& config) {
  const auto parsed = Parse(config);
  EXPECT_TRUE(parsed.ok()) << parsed.error().Message();
  return parsed.ok() ? *parsed : ModelConfig{};
}

// Applies {"text_config": {"hidden_size": 1}} to a recipe; "<absent>" removes a member.
json Changed(const char* recipe, const json& changes) {
  json config = Recipe(recipe);
  const std::function<void(json&, const json&)> apply = [&](json& to, const json& from) {
    for (const auto& [key, value] : from.items()) {
      if (value == "<absent>") {
        to.erase(key);
      } else if (value.is_object() && to.contains(key) && to[key].is_object() && !value.empty()) {
        apply(to[key], value);
      } else {
        to[key] = value;
      }
    }
  };
  apply(config, changes);
  return config;
}

TEST(ModelConfig, ReadsLlamaGuard4sShape) {
  const ModelConfig config = Good(Recipe("lg4-tiny"));
  EXPECT_EQ(config.family, ModelConfig::Family::kLlama4);
  EXPECT_EQ(config.hidden, 320);
  EXPECT_EQ(config.layers, 5);
  EXPECT_EQ(config.heads, 10);
  EXPECT_EQ(config.kv_heads, 2);
  EXPECT_EQ(config.head_dim, 64);
  EXPECT_EQ(config.ffn_dense, 512);
  EXPECT_EQ(config.vocab, 202048);
  EXPECT_FALSE(config.tied);
  EXPECT_EQ(config.rope.kind, Kind::kLlama3);
  EXPECT_EQ(config.rope.factor, 8.0);
  EXPECT_EQ(config.rope.high_freq_factor, 4.0);
  EXPECT_EQ(config.attention_chunk, 0);  // null is none
  EXPECT_THAT(config.uses_rope, Each(1));
  EXPECT_THAT(config.chunked, Each(0));
  EXPECT_THAT(config.is_moe, Each(0));
  EXPECT_EQ(config.experts, 0);
  EXPECT_TRUE(config.qk_norm);
  EXPECT_EQ(config.bos, 200000);
  EXPECT_THAT(config.eos, ElementsAre(200001, 200007, 200008));
  EXPECT_EQ(config.image_token, 200092);
  ASSERT_TRUE(config.vision.present);
  EXPECT_EQ(config.vision.hidden, 176);
  EXPECT_EQ(config.vision.layers, 4);
  EXPECT_EQ(config.vision.output, 256);
  EXPECT_EQ(config.vision.image_size, 336);
}

TEST(ModelConfig, ReadsScoutsShape) {
  const ModelConfig config = Good(Recipe("scout-tiny"));
  EXPECT_THAT(config.is_moe, Each(1));
  EXPECT_EQ(config.experts, 4);
  EXPECT_EQ(config.ffn_expert, 384);
  EXPECT_EQ(config.ffn_dense, 768);
  EXPECT_THAT(config.uses_rope, ElementsAre(1, 1, 1, 0, 1, 1, 1, 0));
  EXPECT_EQ(config.chunked, config.uses_rope);  // derived: chunks where there is RoPE
  EXPECT_EQ(config.attention_chunk, 96);
  EXPECT_TRUE(config.temperature_tuning);
  EXPECT_EQ(config.floor_scale, 64.0);
  EXPECT_EQ(config.rope.low_freq_factor, config.rope.high_freq_factor);
}

TEST(ModelConfig, ReadsLlamaGuard3sShapes) {
  const ModelConfig config = Good(Recipe("lg3-tiny"));
  EXPECT_EQ(config.family, ModelConfig::Family::kLlama);
  EXPECT_FALSE(config.tied);
  EXPECT_FALSE(config.qk_norm);
  EXPECT_FALSE(config.vision.present);
  EXPECT_TRUE(Good(Recipe("lg3-tiny-tied")).tied);
}

// transformers leaves out what equals its class's default: absent is not null.
TEST(ModelConfig, AbsentKeysMeanTheClassDefaults) {
  const ModelConfig config = Good({{"model_type", "llama4"},
                                   {"text_config", json::object()},
                                   {"vision_config", {{"hidden_size", 1408}, {"vision_output_dim", 4096}}}});
  EXPECT_EQ(config.hidden, 5120);
  EXPECT_EQ(config.layers, 48);
  EXPECT_EQ(config.heads, 40);
  EXPECT_EQ(config.kv_heads, 8);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.ffn_dense, 16384);
  EXPECT_EQ(config.ffn_expert, 8192);
  EXPECT_EQ(config.vocab, 202048);
  EXPECT_EQ(config.attention_chunk, 8192);
  EXPECT_EQ(config.experts, 16);
  EXPECT_THAT(config.is_moe, Each(1));
  EXPECT_EQ(config.rope.kind, Kind::kNone);
  EXPECT_EQ(config.rope_theta, 500000.0);
  for (size_t i = 0; i < 48; ++i) EXPECT_EQ(config.uses_rope[i], i % 4 != 3) << i;
  EXPECT_EQ(config.chunked, config.uses_rope);
  EXPECT_EQ(config.vision.image_size, 448);
  EXPECT_EQ(config.vision.layers, 34);
  // The width that the class defaults to does not fit its own projector: nobody publishes it, and it is
  // refused.
  EXPECT_FALSE(
      Parse({{"model_type", "llama4"}, {"text_config", json::object()}, {"vision_config", json::object()}})
          .ok());

  const ModelConfig llama = Good({{"model_type", "llama"}});
  EXPECT_EQ(llama.hidden, 4096);
  EXPECT_EQ(llama.kv_heads, 32);
  EXPECT_EQ(llama.head_dim, 128);
  EXPECT_EQ(llama.ffn_dense, 11008);
  EXPECT_EQ(llama.norm_eps, 1e-6);
  EXPECT_EQ(llama.rope_theta, 10000.0);
}

TEST(ModelConfig, NoRopeLayersInAllSpellings) {
  for (const json& value : {json("<absent>"), json(nullptr), json::array()}) {
    EXPECT_THAT(Good(Changed("lg4-tiny", {{"text_config", {{"no_rope_layers", value}}}})).uses_rope,
                ElementsAre(1, 1, 1, 0, 1));
    const json interval = {{"no_rope_layers", value}, {"no_rope_layer_interval", 2}};
    EXPECT_THAT(Good(Changed("lg4-tiny", {{"text_config", interval}})).uses_rope, ElementsAre(1, 0, 1, 0, 1));
    const json never = {{"no_rope_layers", value}, {"no_rope_layer_interval", 20}};
    EXPECT_THAT(Good(Changed("lg4-tiny", {{"text_config", never}})).uses_rope, Each(1));
  }
}

TEST(ModelConfig, ChunksActOnlyWhereTheLayerTypeAndTheSizeSaySo) {
  const json types = {"chunked_attention", "full_attention", "full_attention", "chunked_attention",
                      "chunked_attention"};
  EXPECT_THAT(
      Good(Changed("lg4-tiny", {{"text_config", {{"layer_types", types}, {"attention_chunk_size", 64}}}}))
          .chunked,
      ElementsAre(1, 0, 0, 1, 1));
  EXPECT_THAT(Good(Changed("lg4-tiny", {{"text_config", {{"layer_types", types}}}})).chunked,
              Each(0));  // size null
  EXPECT_THAT(Good(Changed("lg4-tiny", {{"text_config", {{"attention_chunk_size", "<absent>"}}}})).chunked,
              Each(1));
}

TEST(ModelConfig, ExpertsInAllSpellings) {
  const auto moe = [](const json& text) {
    return Good(Changed("scout-tiny", {{"text_config", text}})).is_moe;
  };
  EXPECT_THAT(moe({{"moe_layers", "<absent>"}}), Each(1));
  EXPECT_THAT(moe({{"moe_layers", "<absent>"}, {"interleave_moe_layer_step", 2}}),
              ElementsAre(0, 1, 0, 1, 0, 1, 0, 1));
  EXPECT_THAT(moe({{"moe_layers", "<absent>"}, {"interleave_moe_layer_step", 0}}), Each(0));
  EXPECT_THAT(moe({{"moe_layers", {1, 5}}, {"interleave_moe_layer_step", 0}}),
              ElementsAre(0, 1, 0, 0, 0, 1, 0, 0));
  EXPECT_THAT(moe({{"moe_layers", json::array()}, {"num_local_experts", 0}}), Each(0));
}

TEST(ModelConfig, NewSpellings) {
  const json rope = {{"rope_type", "llama3"},   {"rope_theta", 250000.0},
                     {"factor", 4.0},           {"low_freq_factor", 1.0},
                     {"high_freq_factor", 2.0}, {"original_max_position_embeddings", 1024}};
  const ModelConfig config = Good(Changed("lg4-tiny", {{"image_token_index", "<absent>"},
                                                       {"image_token_id", 7},
                                                       {"torch_dtype", "<absent>"},
                                                       {"dtype", "bfloat16"},
                                                       {"text_config",
                                                        {{"rope_scaling", "<absent>"},
                                                         {"rope_theta", "<absent>"},
                                                         {"rope_parameters", rope},
                                                         {"torch_dtype", "<absent>"}}}}));
  EXPECT_EQ(config.rope_theta, 250000.0);
  EXPECT_EQ(config.rope.kind, Kind::kLlama3);
  EXPECT_EQ(config.rope.factor, 4.0);
  EXPECT_EQ(config.rope.original_max_position, 1024);
  EXPECT_EQ(config.image_token, 7);

  const ModelConfig plain =
      Good(Changed("lg3-tiny", {{"rope_scaling", nullptr},
                                {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 1e4}}}}));
  EXPECT_EQ(plain.rope.kind, Kind::kNone);
  const ModelConfig linear = Good(Changed(
      "lg3-tiny", {{"rope_scaling", "<absent>"}, {"rope_parameters", {{"type", "linear"}, {"factor", 2}}}}));
  EXPECT_EQ(linear.rope.kind, Kind::kLinear);
  EXPECT_EQ(linear.rope.factor, 2.0);
  EXPECT_EQ(linear.rope_theta, 500000.0);
}

TEST(ModelConfig, FlatTextModel) {
  json flat = Recipe("lg4-tiny")["text_config"];
  const ModelConfig config = Good(flat);
  EXPECT_EQ(config.family, ModelConfig::Family::kLlama4);
  EXPECT_EQ(config.hidden, 320);
  EXPECT_FALSE(config.vision.present);
}

struct BadConfig {
  const char* label;
  const char* recipe;
  json changes;
  const char* message;
};

class BadModelConfig : public testing::TestWithParam<BadConfig> {};

TEST_P(BadModelConfig, IsRefusedByField) {
  const auto config = Parse(Changed(GetParam().recipe, GetParam().changes));
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, ErrorCode::kModel);
  EXPECT_THAT(config.error().Message(), HasSubstr(GetParam().message));
  EXPECT_THAT(config.error().Message(), HasSubstr("config.json"));
}

json Text(const json& text) { return {{"text_config", text}}; }
json Vision(const json& vision) { return {{"vision_config", vision}}; }

INSTANTIATE_TEST_SUITE_P(
    All, BadModelConfig,
    testing::Values(
        BadConfig{"NoType", "lg3-tiny", {{"model_type", "<absent>"}}, "model_type"},
        BadConfig{"OtherType", "lg3-tiny", {{"model_type", "mllama"}}, "'mllama'"},
        BadConfig{"Quantised",
                  "lg4-tiny",
                  {{"quantization_config", {{"quant_method", "bitsandbytes"}}}},
                  "'bitsandbytes'"},
        BadConfig{"QuantisedWithoutMethod",
                  "lg4-tiny",
                  {{"quantization_config", {{"load_in_8bit", true}}}},
                  "'bitsandbytes'"},
        BadConfig{"QuantisedInside",
                  "lg4-tiny",
                  {{"text_config", {{"quantization_config", {{"quant_method", "gptq"}}}}}},
                  "'gptq'"},
        BadConfig{"QuantisedByMlx", "lg3-tiny", {{"quantization", {{"bits", 4}}}}, "MLX"},
        BadConfig{
            "QuantisedOldKey", "lg3-tiny", {{"compression_config", {{"quant_method", "awq"}}}}, "'awq'"},
        BadConfig{"QuantisedUnknownMember",
                  "lg3-tiny",
                  {{"quantization_config", {{"quant_method", "fbgemm_fp8"}, {"rotation", "hadamard"}}}},
                  "rotation"},
        BadConfig{"Quantised4Bits",
                  "lg3-tiny",
                  {{"quantization_config",
                    {{"quant_method", "compressed-tensors"},
                     {"format", "pack-quantized"},
                     {"config_groups", {{"group_0", {{"weights", {{"num_bits", 4}}}}}}}}}},
                  "pack-quantized"},
        BadConfig{"NoText", "lg4-tiny", {{"text_config", "<absent>"}}, "text_config"},
        BadConfig{"TextIsNumber", "lg4-tiny", {{"text_config", 3}}, "text_config"},
        BadConfig{"VisionIsList", "lg4-tiny", {{"vision_config", json::array({1})}}, "vision_config"},
        BadConfig{"ZeroHidden", "lg3-tiny", {{"hidden_size", 0}}, "hidden_size: expected"},
        BadConfig{"NegativeLayers", "lg3-tiny", {{"num_hidden_layers", -1}}, "num_hidden_layers"},
        BadConfig{"HugeLayers", "lg3-tiny", {{"num_hidden_layers", 1e9}}, "num_hidden_layers"},
        BadConfig{"HugeNumber", "lg3-tiny", {{"vocab_size", 18446744073709551615ull}}, "vocab_size"},
        BadConfig{"StringSize", "lg3-tiny", {{"vocab_size", "128256"}}, "vocab_size"},
        BadConfig{"FractionalSize", "lg3-tiny", {{"hidden_size", 256.5}}, "hidden_size"},
        BadConfig{"NullLayers", "lg3-tiny", {{"num_hidden_layers", nullptr}}, "num_hidden_layers"},
        BadConfig{"KvHeads", "lg3-tiny", {{"num_key_value_heads", 3}}, "num_key_value_heads"},
        BadConfig{"OddHead", "lg3-tiny", {{"head_dim", 33}}, "head_dim"},
        BadConfig{
            "IndivisibleHead", "lg3-tiny", {{"head_dim", "<absent>"}, {"hidden_size", 257}}, "head_dim"},
        BadConfig{"Epsilon", "lg3-tiny", {{"rms_norm_eps", 0}}, "rms_norm_eps"},
        BadConfig{"Activation", "lg3-tiny", {{"hidden_act", "gelu"}}, "hidden_act"},
        BadConfig{"Bias", "lg3-tiny", {{"attention_bias", true}}, "attention_bias"},
        BadConfig{"MlpBias", "lg3-tiny", {{"mlp_bias", true}}, "mlp_bias"},
        BadConfig{"Theta", "lg3-tiny", {{"rope_theta", -1}}, "rope_theta"},
        BadConfig{"Yarn", "lg3-tiny", {{"rope_scaling", {{"rope_type", "yarn"}}}}, "'yarn'"},
        BadConfig{"RopeList", "lg3-tiny", {{"rope_scaling", json::array()}}, "rope_scaling"},
        BadConfig{"NoFactor", "lg3-tiny", {{"rope_scaling", {{"factor", "<absent>"}}}}, "factor"},
        BadConfig{
            "HighBelowLow", "lg3-tiny", {{"rope_scaling", {{"high_freq_factor", 0.5}}}}, "high_freq_factor"},
        BadConfig{"Eos", "lg3-tiny", {{"eos_token_id", "x"}}, "eos_token_id"},
        BadConfig{"Tied", "lg3-tiny", {{"tie_word_embeddings", 1}}, "tie_word_embeddings"},
        BadConfig{"NoRopeLength", "lg4-tiny", Text({{"no_rope_layers", {1, 1}}}), "no_rope_layers"},
        BadConfig{"NoRopeValue", "lg4-tiny", Text({{"no_rope_layers", {1, 1, 2, 1, 1}}}), "no_rope_layers"},
        BadConfig{"LayerTypes", "lg4-tiny", Text({{"layer_types", {"a", "b", "c", "d", "e"}}}),
                  "layer_types"},
        BadConfig{"LayerTypesLength", "lg4-tiny", Text({{"layer_types", {"full_attention"}}}), "layer_types"},
        BadConfig{"Chunk", "lg4-tiny", Text({{"attention_chunk_size", 0}}), "attention_chunk_size"},
        BadConfig{"MoeLayer", "scout-tiny", Text({{"moe_layers", {0, 8}}}), "moe_layers"},
        BadConfig{"NoExperts", "scout-tiny", Text({{"num_local_experts", 0}}), "num_local_experts"},
        BadConfig{"TooFewExperts", "scout-tiny", Text({{"num_experts_per_tok", 5}}), "num_experts_per_tok"},
        BadConfig{"Floor", "lg4-tiny", Text({{"floor_scale", 0}}), "floor_scale"},
        BadConfig{"Channels", "lg4-tiny", Vision({{"num_channels", 4}}), "num_channels"},
        BadConfig{"Patches", "lg4-tiny", Vision({{"image_size", 350}}), "image_size"},
        BadConfig{"Shuffle", "lg4-tiny", Vision({{"pixel_shuffle_ratio", 0.25}}), "pixel_shuffle_ratio"},
        BadConfig{"VisionHeads", "lg4-tiny", Vision({{"num_attention_heads", 3}}), "hidden_size"},
        BadConfig{"VisionOutput", "lg4-tiny", Vision({{"vision_output_dim", 128}}), "vision_output_dim"},
        BadConfig{"ProjectorBias", "lg4-tiny", Vision({{"multi_modal_projector_bias", true}}),
                  "multi_modal_projector_bias"}),
    [](const auto& test) { return test.param.label; });

TEST(ModelConfig, RefusesWhatIsNoObjectOrNoJson) {
  for (const char* text :
       {"", "[]", "3", "{", "{\"a\":1}}", "{\"model_type\":\"llama\",\"model_type\":\"llama\"}", "\xff"}) {
    EXPECT_FALSE(ParseModelConfig(text, "config.json").ok()) << text;
  }
  EXPECT_FALSE(ParseModelConfig(std::string(100000, '['), "config.json").ok());
  std::string deep = "{\"model_type\":\"llama\",\"x\":";
  for (int i = 0; i < 100; ++i) deep += "[";
  for (int i = 0; i < 100; ++i) deep += "]";
  EXPECT_FALSE(ParseModelConfig(deep + "}", "config.json").ok());
}

// What is written reads as the same model: compared field by field through a second writing.
TEST(ModelConfig, WritesWhatItReads) {
  for (const auto& [name, recipe] : Manifest()["recipes"].items()) {
    const ModelConfig config = Good(recipe["config"]);
    const std::string written = ModelConfigToJson(config);
    const ModelConfig again = Good(json::parse(written));
    EXPECT_EQ(ModelConfigToJson(again), written);
    EXPECT_EQ(again.uses_rope, config.uses_rope);
    EXPECT_EQ(again.chunked, config.chunked);
    EXPECT_EQ(again.is_moe, config.is_moe);
    EXPECT_EQ(again.experts, config.experts);
    EXPECT_EQ(again.ffn_dense, config.ffn_dense);
    EXPECT_EQ(again.ffn_expert, config.ffn_expert);
    EXPECT_EQ(again.eos, config.eos);
    EXPECT_EQ(again.tied, config.tied);
    EXPECT_EQ(again.vision.present, config.vision.present);
    EXPECT_EQ(again.vision.output, config.vision.output);
    EXPECT_EQ(again.rope.factor, config.rope.factor);
    EXPECT_EQ(again.attention_chunk, config.attention_chunk);
    // Every member of the published form is there with its value.
    const json whole = json::parse(written);
    const json& published = recipe["config"];
    const json& text = published.contains("text_config") ? published["text_config"] : published;
    const json& ours = whole.contains("text_config") ? whole["text_config"] : whole;
    for (const char* key : {"hidden_size", "intermediate_size", "no_rope_layers", "moe_layers",
                            "rope_scaling", "num_local_experts", "attention_chunk_size",
                            "max_position_embeddings", "intermediate_size_mlp", "eos_token_id"}) {
      if (!text.contains(key)) continue;
      EXPECT_EQ(ours[key], text[key]) << name << " " << key;
    }
  }
}

}  // namespace
}  // namespace gatehouse

#include "model/tensor_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Role = TensorSpec::Role;

ModelConfig SmallLlama() {
  ModelConfig config;
  config.family = ModelConfig::Family::kLlama;
  config.hidden = 6;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 8;
  config.ffn_dense = 10;
  config.ffn_expert = 12;
  config.vocab = 70;
  config.is_moe = {0, 0};
  return config;
}

// A dense layer, then one with two experts.
ModelConfig SmallMixture() {
  ModelConfig config = SmallLlama();
  config.family = ModelConfig::Family::kLlama4;
  config.experts = 2;
  config.is_moe = {0, 1};
  return config;
}

TensorSpec Find(const ModelConfig& config, const std::string& name) {
  for (TensorSpec& spec : ListTensors(config)) {
    if (spec.name == name) return std::move(spec);
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

// As the published checkpoints have them; the order is that of converted files.
TEST(TensorTable, ListsALlama) {
  std::vector<std::string> found;
  for (const TensorSpec& spec : ListTensors(SmallLlama()))
    found.push_back(spec.name + " " + ShapeString(spec.shape));
  std::vector<std::string> expected = {"model.embed_tokens.weight [70, 6]"};
  for (const std::string prefix : {"model.layers.0.", "model.layers.1."}) {
    for (const char* rest :
         {"input_layernorm.weight [6]", "self_attn.q_proj.weight [32, 6]", "self_attn.k_proj.weight [16, 6]",
          "self_attn.v_proj.weight [16, 6]", "self_attn.o_proj.weight [6, 32]",
          "post_attention_layernorm.weight [6]", "mlp.gate_proj.weight [10, 6]", "mlp.up_proj.weight [10, 6]",
          "mlp.down_proj.weight [6, 10]"})
      expected.push_back(prefix + rest);
  }
  expected.insert(expected.end(), {"model.norm.weight [6]", "lm_head.weight [70, 6]"});
  EXPECT_EQ(found, expected);
}

TEST(TensorTable, KnowsWhatEachIsFor) {
  ModelConfig config = SmallMixture();
  config.vision.present = true;
  config.vision.layers = 1;
  std::set<std::string> names;
  std::vector<std::string> rounded, tables, vectors_of_layer;
  for (const TensorSpec& spec : ListTensors(config)) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    const TensorSpec again = SpecOf(config, spec.id);
    EXPECT_EQ(again.name, spec.name);
    EXPECT_EQ(again.shape, spec.shape) << spec.name;
    if (spec.may_round) rounded.push_back(spec.name);
    if (spec.role == Role::kEmbedding) tables.push_back(spec.name);
    if (spec.role != Role::kLinear && spec.id.layer == 1) vectors_of_layer.push_back(spec.name);
  }
  const std::string dense = "model.layers.0.feed_forward.", mixture = "model.layers.1.feed_forward.";
  std::vector<std::string> expected;
  for (const std::string& prefix :
       {dense, mixture + "shared_expert.", mixture + "experts.0.", mixture + "experts.1."}) {
    if (prefix == dense || prefix == mixture + "shared_expert.") {
      for (const char* part : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
        expected.push_back(std::string("model.layers.") + (prefix == dense ? "0" : "1") + ".self_attn." +
                           part + ".weight");
      }
    }
    for (const char* part : {"gate_proj", "up_proj", "down_proj"})
      expected.push_back(prefix + part + ".weight");
  }
  EXPECT_EQ(rounded, expected);  // not the router, the head, the vision encoder's products
  EXPECT_THAT(tables, ElementsAre("model.embed_tokens.weight"));
  EXPECT_THAT(vectors_of_layer, ElementsAre("model.layers.1.input_layernorm.weight",
                                            "model.layers.1.post_attention_layernorm.weight"));
  EXPECT_EQ(Find(config, mixture + "router.weight").shape, Shape({2, 6}));
  EXPECT_EQ(Find(config, mixture + "shared_expert.down_proj.weight").shape, Shape({6, 12}));
  EXPECT_EQ(Find(config, dense + "down_proj.weight").shape, Shape({6, 10}));
  EXPECT_EQ(Find(config, "vision_model.positional_embedding_vlm").shape, Shape({1025, 768}));
  EXPECT_EQ(Find(config, "vision_model.model.layers.0.mlp.fc1.bias").shape, Shape({5632}));
  EXPECT_EQ(Find(config, "vision_model.model.layers.0.mlp.fc1.bias").role, Role::kValues);
}

TEST(TensorTable, ProductsOfOneInputAreKnownByTheFirst) {
  const ModelConfig config = SmallMixture();
  const auto input_of = [&](const std::string& name) {
    return SpecOf(config, Find(config, name).input).name;
  };
  const std::string layer = "model.layers.1.";
  for (const char* part : {"q_proj", "k_proj", "v_proj"})
    EXPECT_EQ(input_of(layer + "self_attn." + part + ".weight"), layer + "self_attn.q_proj.weight");
  EXPECT_EQ(input_of(layer + "self_attn.o_proj.weight"), layer + "self_attn.o_proj.weight");
  for (const std::string network : {"shared_expert.", "experts.1."}) {
    const std::string prefix = layer + "feed_forward." + network;
    EXPECT_EQ(input_of(prefix + "gate_proj.weight"), prefix + "gate_proj.weight");
    EXPECT_EQ(input_of(prefix + "up_proj.weight"), prefix + "gate_proj.weight");
    EXPECT_EQ(input_of(prefix + "down_proj.weight"), prefix + "down_proj.weight");
  }
}

TEST(TensorTable, ModulesAreWhatLoraChanges) {
  const ModelConfig config = SmallMixture();
  EXPECT_EQ(Find(config, "lm_head.weight").module(), "lm_head");
  EXPECT_EQ(Find(config, "model.embed_tokens.weight").module(), "model.embed_tokens");
  EXPECT_EQ(Find(config, "model.layers.1.feed_forward.experts.0.up_proj.weight").module(),
            "model.layers.1.feed_forward.experts.0.up_proj");
  EXPECT_EQ(Find(config, "model.layers.0.input_layernorm.weight").module(), "");
}

TEST(TensorTable, FusedExperts) {
  EXPECT_THAT(ListFusedExperts(SmallLlama()), IsEmpty());
  const std::vector<FusedExperts> fused = ListFusedExperts(SmallMixture());
  ASSERT_EQ(fused.size(), 2u);
  EXPECT_EQ(fused[0].name, "model.layers.1.feed_forward.experts.gate_up_proj");
  EXPECT_EQ(fused[0].shape, Shape({2, 6, 24}));
  ASSERT_EQ(fused[0].slices.size(), 2u);
  EXPECT_EQ(fused[0].slices[1].weight, Weight::kUp);
  EXPECT_EQ(fused[0].slices[1].first, 12);
  EXPECT_EQ(fused[1].name, "model.layers.1.feed_forward.experts.down_proj");
  EXPECT_EQ(fused[1].shape, Shape({2, 12, 6}));
  ASSERT_EQ(fused[1].slices.size(), 1u);
  EXPECT_EQ(fused[1].slices[0].weight, Weight::kDown);
}

TEST(TensorTable, GgufNames) {
  const auto name_of = [](const char* gguf) {
    const std::optional<TensorId> id = IdOfGguf(gguf);
    return id ? SpecOf(SmallLlama(), *id).name : std::string();
  };
  EXPECT_EQ(name_of("token_embd.weight"), "model.embed_tokens.weight");
  EXPECT_EQ(name_of("output.weight"), "lm_head.weight");
  EXPECT_EQ(name_of("output_norm.weight"), "model.norm.weight");
  // Of a layer that the model does not have, too: what is wrong with it, its reader says.
  EXPECT_EQ(name_of("blk.12.attn_q.weight"), "model.layers.12.self_attn.q_proj.weight");
  EXPECT_EQ(name_of("blk.9999.attn_output.weight"), "model.layers.9999.self_attn.o_proj.weight");
  EXPECT_EQ(name_of("blk.0.ffn_down.weight"), "model.layers.0.mlp.down_proj.weight");
  for (const char* bad : {"", "blk.", "blk..attn_q.weight", "blk.x.attn_q.weight", "blk.01.attn_q.weight",
                          "blk.-1.attn_q.weight", "blk.1.attn_q.bias", "blk.1", "v.blk.0.attn_q.weight",
                          "attn_q.weight", "blk.0.output.weight", "blk.10000.attn_q.weight"}) {
    EXPECT_EQ(IdOfGguf(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace gatehouse

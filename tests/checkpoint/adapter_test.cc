#include "checkpoint/adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "checkpoint/small_models.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using test::Made;
using test::Rows;
using testing::HasSubstr;

struct Module {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  int64_t rows, cols;
};

std::vector<float> Random(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-32f;
  return out;
}

// An adapter of rank 3 as PEFT writes it; A of module i has seed i, B seed 100 + i.
void WriteAdapter(const std::string& directory, const std::vector<Module>& modules,
                  const Json& changes = Json::object()) {
  Json config = {{"peft_type", "LORA"},     {"r", 3},
                 {"lora_alpha", 6},         {"bias", "none"},
                 {"fan_in_fan_out", false}, {"modules_to_save", nullptr},
                 {"use_dora", false},       {"rank_pattern", Json::object()}};
  config.update(changes);
  test::WriteBytes(directory + "/adapter_config.json", config.dump());
  std::vector<Made> tensors;
  for (size_t i = 0; i < modules.size(); ++i) {
    const std::string name = "base_model.model." + modules[i].name;
    const auto seed = static_cast<unsigned>(i);
    tensors.push_back({name + ".lora_A.weight",
                       DType::kF32,
                       {3, modules[i].cols},
                       test::BytesOf(Random(3 * modules[i].cols, seed))});
    tensors.push_back({name + ".lora_B.weight",
                       DType::kF32,
                       {modules[i].rows, 3},
                       test::BytesOf(Random(3 * modules[i].rows, 100 + seed))});
  }
  test::WriteTensors(directory + "/adapter_model.safetensors", tensors);
}

const std::vector<Module> kModules = {{"model.layers.0.self_attn.q_proj", 64, 64},
                                      {"model.layers.1.mlp.down_proj", 64, 96},
                                      {"lm_head", 70, 64}};

// merged = base + scale * B A, in double.
void ExpectMerged(const std::vector<float>& base, const std::vector<float>& merged, const Module& module,
                  unsigned index, double scale) {
  const std::vector<float> a = Random(3 * module.cols, index), b = Random(3 * module.rows, 100 + index);
  ASSERT_EQ(base.size(), merged.size());
  double moved = 0;
  for (int64_t row = 0; row < module.rows; ++row) {
    for (int64_t col = 0; col < module.cols; ++col) {
      double sum = 0;
      for (int64_t r = 0; r < 3; ++r)
        sum += double{b[static_cast<size_t>(row * 3 + r)]} * a[static_cast<size_t>(r * module.cols + col)];
      const auto at = static_cast<size_t>(row * module.cols + col);
      ASSERT_NEAR(merged[at], base[at] + scale * sum, 1e-6) << module.name << " " << row << " " << col;
      moved += std::abs(scale * sum);
    }
  }
  EXPECT_GT(moved, 1.0);
}

TEST(Adapter, MergesIntoEveryKindOfModel) {
  const test::TempDir directory;
  const Json config = test::SmallLlama(true);
  test::WriteModel(config, directory / "hf");
  test::WriteBytes(directory / "f32.gguf", test::AsGguf(directory / "hf", config, 0));
  WriteAdapter(directory / "lora", kModules);
  for (const char* name :
       {"hf", "f32.gguf"}) {  // in a GGUF, q lies in another order: the sum is in Hugging Face's
    const auto base = Checkpoint::Open(directory / name),
               merged = Checkpoint::Open(directory / name, directory / "lora");
    ASSERT_TRUE(merged.ok()) << merged.error().Message();
    for (unsigned i = 0; i < kModules.size(); ++i) {
      const Shape shape = {kModules[i].rows, kModules[i].cols};
      const std::string weight = kModules[i].name + ".weight";
      ExpectMerged(Rows((*base)->Get(weight, shape)), Rows((*merged)->Get(weight, shape)), kModules[i], i,
                   2.0);
    }
    // What the adapter does not have stays: other layers, and the embeddings that a tied head shares.
    for (const char* same :
         {"model.layers.1.self_attn.q_proj.weight", "model.layers.0.self_attn.o_proj.weight"}) {
      EXPECT_EQ(Rows((*base)->Get(same, {64, 64})), Rows((*merged)->Get(same, {64, 64})));
    }
    EXPECT_EQ(Rows((*base)->Get("model.embed_tokens.weight", {70, 64})),
              Rows((*merged)->Get("model.embed_tokens.weight", {70, 64})));
  }
}

TEST(Adapter, ScalesByTheRootOfTheRankWhereAsked) {
  const test::TempDir directory;
  WriteAdapter(directory.path(), kModules, {{"use_rslora", true}});
  const auto adapter = Adapter::Open(directory.path());
  ASSERT_TRUE(adapter.ok()) << adapter.error().Message();
  EXPECT_FLOAT_EQ((*adapter)->Find("lm_head.weight")->scale, 6.0f / std::sqrt(3.0f));
  EXPECT_EQ((*adapter)->Find("model.layers.1.self_attn.q_proj.weight"), nullptr);
}

TEST(Adapter, ReadsLlama4Names) {
  const test::TempDir directory;
  test::WriteModel(test::SmallLlama4(), directory / "hf");
  for (const char* prefix : {"language_model.model.", "model.language_model."}) {
    WriteAdapter(directory / "lora", {{std::string(prefix) + "layers.0.self_attn.q_proj", 24, 40}});
    const auto merged = Checkpoint::Open(directory / "hf", directory / "lora");
    ASSERT_TRUE(merged.ok()) << merged.error().Message();
    EXPECT_NE((*merged)->adapter()->Find("model.layers.0.self_attn.q_proj.weight"), nullptr);
  }
}

TEST(Adapter, RefusesByNameWhatIsNoPlainLora) {
  const test::TempDir directory;
  Json many = Json::object();
  for (int i = 0; i < 5000; ++i) many["layers." + std::to_string(i)] = 4;
  const std::pair<const char*, Json> cases[] = {
      {"fan_in_fan_out", true},
      {"bias", "all"},
      {"bias", "lora_only"},
      {"lora_bias", true},
      {"rank_pattern", many},
      {"rank_pattern", {{"q_proj", 0}}},
      {"rank_pattern", {{"q_proj", "8"}}},
      {"rank_pattern", {{"q_(proj", 3}}},
      {"alpha_pattern", {{"q_proj", nullptr}}},
      {"alpha_pattern", {"q_proj"}},
      {"layer_replication", {{0, 1, 2}, {0, 1, 2}, {1, 2, 3}}},
      {"megatron_config", {{"x", 1}}},
      {"loftq_config", {{"loftq_bits", 4}}},
      {"trainable_token_indices", {1, 2}},
      {"target_parameters", {"feed_forward.experts.down_proj", "x"}},
      {"alora_invocation_tokens", {1, 2}},
      {"use_qalora", true},
      {"use_bdlora", {{"nblocks", 2}}},
      {"arrow_config", {{"top_k", 3}}},
      {"kasa_config", {{"x", 1}}},
      {"ensure_weight_tying", true},
      {"a_member_of_next_year", 0.5},
      {"task_type", "SEQ_CLS"},
      {"peft_type", "LOHA"},
      {"r", 0},
      {"r", "3"},
      {"lora_alpha", "x"},
      {"use_dora", 1},
      {"modules_to_save", {1, 2}},
      {"use_rslora", "yes"}};
  for (const auto& [key, value] : cases) {
    WriteAdapter(directory.path(), kModules, {{key, value}});
    const auto adapter = Adapter::Open(directory.path());
    ASSERT_FALSE(adapter.ok()) << key;
    EXPECT_EQ(adapter.error().code, ErrorCode::kModel);
    EXPECT_THAT(adapter.error().Message(), HasSubstr(key));
    EXPECT_THAT(adapter.error().Message(), HasSubstr("adapter_config.json"));
  }
}

// These take something from the base when they begin: the published base is not the one they belong to.
TEST(Adapter, RefusesWhatChangedItsBase) {
  const test::TempDir directory;
  for (const char* begun : {"pissa", "pissa_niter_16", "olora", "loftq", "corda", "lora_ga", "another"}) {
    WriteAdapter(directory.path(), kModules, {{"init_lora_weights", begun}});
    const auto adapter = Adapter::Open(directory.path());
    ASSERT_FALSE(adapter.ok()) << begun;
    EXPECT_EQ(adapter.error().code, ErrorCode::kModel);
    EXPECT_THAT(adapter.error().Message(), HasSubstr("init_lora_weights"));
    EXPECT_THAT(adapter.error().Message(), HasSubstr(std::string("found \"") + begun));
  }
  for (const Json& begun : {Json(true), Json(false), Json(nullptr), Json("gaussian"), Json("eva"),
                            Json("orthogonal"), Json("mica")}) {
    WriteAdapter(directory.path(), kModules, {{"init_lora_weights", begun}});
    EXPECT_TRUE(Adapter::Open(directory.path()).ok()) << begun;
  }
}

TEST(Adapter, TakesMembersThatChangeNothing) {
  const test::TempDir directory;
  WriteAdapter(directory.path(), kModules,
               {{"auto_mapping", {{"base_model_class", "LlamaForCausalLM"}}},
                {"base_model_name_or_path", "some/model"},
                {"corda_config", nullptr},
                {"eva_config", {{"rho", 2.0}}},
                {"exclude_modules", "x"},
                {"inference_mode", true},
                {"layers_pattern", "layers"},
                {"layers_to_transform", {0, 1}},
                {"loftq_config", Json::object()},
                {"lora_bias", false},
                {"lora_dropout", 0.1},
                {"megatron_core", "megatron.core"},
                {"peft_version", "0.18.0"},
                {"qalora_group_size", 16},
                {"revision", "main"},
                {"target_modules", {"q_proj", "down_proj"}},
                {"task_type", "CAUSAL_LM"},
                {"a_member_of_next_year", false}});
  const auto adapter = Adapter::Open(directory.path());
  EXPECT_TRUE(adapter.ok()) << adapter.error().Message();
}

TEST(Adapter, RefusesTensorsThatDoNotFit) {
  const test::TempDir directory;
  WriteAdapter(directory.path(), kModules);
  const std::vector<Made> good = test::ReadTensors(directory.path());
  const auto message = [&](const std::function<void(std::vector<Made>&)>& change) {
    std::vector<Made> tensors = good;
    change(tensors);
    test::WriteTensors(directory / "adapter_model.safetensors", tensors);
    const auto adapter = Adapter::Open(directory.path());
    return adapter.ok() ? std::string("no error") : adapter.error().Message();
  };
  EXPECT_EQ(message([](auto&) {}), "no error");
  EXPECT_THAT(message([](auto& t) { t.clear(); }), HasSubstr("empty adapter"));
  EXPECT_THAT(message([](auto& t) { t.erase(t.begin()); }), HasSubstr("a lora_A.weight beside it"));
  EXPECT_THAT(message([](auto& t) { t.erase(t.begin() + 1); }), HasSubstr("a lora_B.weight beside it"));
  EXPECT_THAT(message([](auto& t) {
                t.push_back({"base_model.model.x.lora_embedding_A", DType::kF32, {1}, "xxxx"});
              }),
              HasSubstr("embeddings"));
  for (const char* left_over :
       {"base_model.model.x.lora_A.other.weight", "base_model.model.lm_head.bias", "base_model.model.weight",
        "base_model.model.x.lora_B.bias", "base_model.model.x.trainable_tokens_delta"}) {
    EXPECT_THAT(message([&](auto& t) {
                  t.push_back({left_over, DType::kF32, {1}, "xxxx"});
                }),
                HasSubstr("unexpected tensor"))
        << left_over;
  }
  EXPECT_THAT(message([](auto& t) {
                t.push_back({"base_model.model.lm_head.lora_magnitude_vector", DType::kF32, {1}, "xxxx"});
              }),
              HasSubstr("use_dora"));
  EXPECT_THAT(message([](auto& t) {
                t.push_back(t[0]);
                t.back().name.replace(t.back().name.rfind(".weight"), 7, ".default.weight");
              }),
              HasSubstr("twice"));
  EXPECT_THAT(message([](auto& t) {
                t.push_back({"x.lora_A.weight", DType::kF32, {1}, "xxxx"});
              }),
              HasSubstr("unexpected tensor"));
  EXPECT_THAT(message([](auto& t) { std::swap(t[0].shape[0], t[0].shape[1]); }), HasSubstr("wrong shape"));
  EXPECT_THAT(message([](auto& t) { t[0].dtype = DType::kI32; }), HasSubstr("wrong dtype"));
  EXPECT_THAT(message([](auto& t) { t[0].bytes.replace(0, 4, std::string("\0\0\xc0\x7f", 4)); }),
              HasSubstr("not finite"));

  test::WriteModel(test::SmallLlama(false), directory / "hf");
  const auto open = [&](const Module& module) {
    WriteAdapter(directory / "lora", {module});
    const auto checkpoint = Checkpoint::Open(directory / "hf", directory / "lora");
    return checkpoint.ok() ? std::string("no error") : checkpoint.error().Message();
  };
  EXPECT_THAT(open({"model.layers.2.self_attn.q_proj", 64, 64}), HasSubstr("does not fit the model"));
  EXPECT_THAT(open({"model.layers.0.self_attn.q_proj", 64, 63}), HasSubstr("does not fit the model"));
  EXPECT_THAT(open({"model.embed_tokens", 70, 64}), HasSubstr("embeddings"));
}

}  // namespace
}  // namespace gatehouse

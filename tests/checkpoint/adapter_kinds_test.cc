// Adapters beyond one rank and one alpha: patterns, DoRA, embeddings, whole weights saved beside the pairs,
// other names of the same tensors, and an adapter's directory in a model's place. What is right is worked out
// here in double precision, by the formulas of PEFT's merge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "checkpoint/adapter.h"
#include "checkpoint/convert.h"
#include "checkpoint/small_models.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::Json;
using test::Made;
using test::Rows;
using testing::HasSubstr;

constexpr const char* kQ = "model.layers.0.self_attn.q_proj";
constexpr const char* kV = "model.layers.1.self_attn.v_proj";

std::vector<float> Random(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> out(static_cast<size_t>(count));
  for (float& value : out) value = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-32f;
  return out;
}

Made Tensor(const std::string& name, const Shape& shape, unsigned seed) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return {"base_model.model." + name, DType::kF32, shape, test::BytesOf(Random(count, seed))};
}

class AdapterKinds : public testing::Test {
 protected:
  AdapterKinds() { test::WriteModel(test::SmallLlama(true), base_); }

  void Write(const std::vector<Made>& tensors, const Json& changes = Json::object()) const {
    Json config = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"bias", "none"}};
    config.update(changes);
    test::WriteBytes(lora_ + "/adapter_config.json", config.dump());
    test::WriteTensors(lora_ + "/adapter_model.safetensors", tensors);
  }
  std::vector<float> Base(const std::string& module, const Shape& shape) const {
    return Rows((*Checkpoint::Open(base_))->Get(module + ".weight", shape));
  }
  std::vector<float> Merged(const std::string& module, const Shape& shape) const {
    const auto checkpoint = Checkpoint::Open(base_, lora_);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
    return checkpoint.ok() ? Rows((*checkpoint)->Get(module + ".weight", shape)) : std::vector<float>();
  }
  std::string Message() const {
    const auto checkpoint = Checkpoint::Open(base_, lora_);
    return checkpoint.ok() ? "no error" : checkpoint.error().Message();
  }

  const test::TempDir directory_;
  const std::string base_ = directory_ / "hf", lora_ = directory_ / "lora";
};

// W + scale * B A, row by row in double.
std::vector<double> Sum(const std::vector<float>& w, const std::vector<float>& a, const std::vector<float>& b,
                        size_t rank, double scale) {
  const size_t cols = a.size() / rank, rows = b.size() / rank;
  std::vector<double> out(w.begin(), w.end());
  for (size_t i = 0; i < rows; ++i) {
    for (size_t k = 0; k < cols; ++k) {
      for (size_t r = 0; r < rank; ++r) out[i * cols + k] += scale * b[i * rank + r] * a[r * cols + k];
    }
  }
  return out;
}

void ExpectNear(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5) << i;
}

std::vector<Made> Pair(const std::string& module, int64_t rows, int64_t cols, int64_t rank, unsigned seed) {
  return {Tensor(module + ".lora_A.weight", {rank, cols}, seed),
          Tensor(module + ".lora_B.weight", {rows, rank}, seed + 100)};
}

// A key stands for modules whose path ends with it, from a dot on; the first that fits counts.
TEST_F(AdapterKinds, PatternsGiveRankAndAlpha) {
  std::vector<Made> tensors = Pair(kQ, 64, 64, 2, 1);
  for (const Made& made : Pair(kV, 32, 64, 5, 2)) tensors.push_back(made);
  const struct {
    Json ranks, alphas;
    double q_scale, v_scale;
  } cases[] = {
      {{{"v_proj", 5}}, Json::object(), 2, 0.8},
      {{{"model.layers.1.self_attn.v_proj", 5}}, {{"layers.1.self_attn.v_proj", 40}}, 2, 8},
      {{{"v_proj", 5}}, {{"_proj", 40}}, 2, 0.8},  // ends a word, not a path
      {{{".*v_proj", 5}}, {{".*_proj", 40}}, 20, 8},
      {{{"layers\\.[1-9]\\..*", 5}}, {{"self_attn\\.(q|k)_proj", 1}}, 0.5, 0.8},
      {{{"v_proj", 5}, {"layers.1.*", 7}}, {{"layers.\\d.self_attn.v_proj", 10}, {"v_proj", 1}}, 2, 2},
      {{{"^model.*v_proj", 5}}, {{"ayers.1.self_attn.v_proj", 99}}, 2, 0.8},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.ranks.dump() + c.alphas.dump());
    Write(tensors, {{"rank_pattern", c.ranks}, {"alpha_pattern", c.alphas}});
    ExpectNear(Merged(kQ, {64, 64}), Sum(Base(kQ, {64, 64}), Random(128, 1), Random(128, 101), 2, c.q_scale));
    ExpectNear(Merged(kV, {32, 64}), Sum(Base(kV, {32, 64}), Random(320, 2), Random(160, 102), 5, c.v_scale));
  }
  // The root of each module's own rank.
  Write(tensors, {{"rank_pattern", {{"v_proj", 5}}}, {"use_rslora", true}});
  ExpectNear(Merged(kV, {32, 64}),
             Sum(Base(kV, {32, 64}), Random(320, 2), Random(160, 102), 5, 4 / std::sqrt(5.0)));
  Write(tensors);
  EXPECT_THAT(Message(), HasSubstr("with r = 2"));
}

TEST_F(AdapterKinds, PatternsThatNobodyCanReadAreRefused) {
  for (const char* key : {"", "a(", "[]x]", "a{1000}", "((a{9}){9}){9}", "(?P<n>q)", "(?<!x)q", "[[:alpha:]]",
                          "q_proj\\Z", "(q)\\1", "\xC3\xA9"}) {
    Write(Pair(kQ, 64, 64, 2, 1), {{"alpha_pattern", {{key, 1}}}});
    EXPECT_THAT(Message(), HasSubstr("alpha_pattern")) << key;
  }
  // Ways to match grow without bound here; the answer comes at once.
  Write(Pair(kQ, 64, 64, 2, 1), {{"alpha_pattern", {{"(([a-z_.0-9]*)*)*!", 1}}}});
  EXPECT_EQ(Message(), "no error");
}

// W' = m (W + s B A) / |W + s B A|, a row at a time.
TEST_F(AdapterKinds, DoraGivesRowsTheirLength) {
  std::vector<Made> tensors = Pair(kQ, 64, 64, 2, 1);
  tensors.push_back(Tensor(std::string(kQ) + ".lora_magnitude_vector", {64}, 7));
  Write(tensors, {{"use_dora", true}});
  std::vector<double> expected = Sum(Base(kQ, {64, 64}), Random(128, 1), Random(128, 101), 2, 2);
  const std::vector<float> magnitude = Random(64, 7);
  for (size_t row = 0; row < 64; ++row) {
    double squares = 0;
    for (size_t k = 0; k < 64; ++k) squares += expected[row * 64 + k] * expected[row * 64 + k];
    for (size_t k = 0; k < 64; ++k) expected[row * 64 + k] *= magnitude[row] / std::sqrt(squares);
  }
  ExpectNear(Merged(kQ, {64, 64}), expected);

  Write(Pair(kQ, 64, 64, 2, 1), {{"use_dora", true}});
  EXPECT_THAT(Message(), HasSubstr("lora_magnitude_vector"));
  tensors.back() = Tensor(std::string(kQ) + ".lora_magnitude_vector", {63}, 7);
  Write(tensors, {{"use_dora", true}});
  EXPECT_THAT(Message(), HasSubstr("wrong shape"));
}

// A table is looked up by rows, so its pair lies the other way round: W + s (B A)^T.
TEST_F(AdapterKinds, EmbeddingsAreAdaptedWithoutTheHeadThatSharesThem) {
  Write({Tensor("model.embed_tokens.lora_embedding_A", {2, 70}, 1),
         Tensor("model.embed_tokens.lora_embedding_B", {64, 2}, 2)});
  const std::vector<float> a = Random(140, 1), b = Random(128, 2),
                           base = Base("model.embed_tokens", {70, 64});
  std::vector<double> expected(base.begin(), base.end());
  for (size_t token = 0; token < 70; ++token) {
    for (size_t k = 0; k < 64; ++k) {
      for (size_t r = 0; r < 2; ++r) expected[token * 64 + k] += 2.0 * a[r * 70 + token] * b[k * 2 + r];
    }
  }
  ExpectNear(Merged("model.embed_tokens", {70, 64}), expected);
  EXPECT_EQ(Merged("lm_head", {70, 64}), base);
  EXPECT_FALSE((*Checkpoint::Open(base_, lora_))->config().tied);
}

TEST_F(AdapterKinds, SavedWeightsTakeTheBasesPlace) {
  std::vector<Made> tensors = Pair(kQ, 64, 64, 2, 1);
  tensors.push_back(Tensor("lm_head.weight", {70, 64}, 3));
  tensors.push_back(Tensor("model.norm.modules_to_save.default.weight", {64}, 4));
  Write(tensors, {{"modules_to_save", {"lm_head", "norm"}}});
  EXPECT_EQ(Merged("lm_head", {70, 64}), Random(70 * 64, 3));
  EXPECT_EQ(Merged("model.norm", {64}), Random(64, 4));
  EXPECT_EQ(Merged("model.embed_tokens", {70, 64}), Base("model.embed_tokens", {70, 64}));
  {  // they stay good when the checkpoint is gone
    const auto view = (*Checkpoint::Open(base_, lora_))->Get("lm_head.weight", {70, 64});
    EXPECT_EQ(Rows(view), Random(70 * 64, 3));
  }
  // With a pair on the same module, the pair is added to what was saved.
  tensors = Pair("lm_head", 70, 64, 2, 1);
  tensors.push_back(Tensor("lm_head.base_layer.weight", {70, 64}, 3));
  Write(tensors);
  ExpectNear(Merged("lm_head", {70, 64}), Sum(Random(70 * 64, 3), Random(128, 1), Random(140, 101), 2, 2));

  Write(Pair(kQ, 64, 64, 2, 1), {{"modules_to_save", {"lm_head", "norm"}}});
  EXPECT_THAT(Message(), HasSubstr("modules_to_save"));
  Write({Tensor("lm_head.weight", {71, 64}, 3)});
  EXPECT_THAT(Message(), HasSubstr("[71, 64]"));
  Write({Tensor("score.weight", {2, 64}, 3)});
  EXPECT_THAT(Message(), HasSubstr("'score.weight'"));
  Write({Tensor("lm_head.original_module.weight", {70, 64}, 3)});
  EXPECT_THAT(Message(), HasSubstr("original_module"));
}

TEST_F(AdapterKinds, PickledWeightsAreNamed) {
  Write(Pair(kQ, 64, 64, 2, 1));
  std::filesystem::rename(lora_ + "/adapter_model.safetensors", lora_ + "/adapter_model.bin");
  EXPECT_THAT(Message(), HasSubstr("adapter_model.bin"));
  EXPECT_THAT(Message(), HasSubstr("safetensors"));
}

TEST_F(AdapterKinds, NamesWithTheAdaptersOwn) {
  Write(Pair(kQ, 64, 64, 2, 1));
  const std::vector<float> plain = Merged(kQ, {64, 64});
  Write({Tensor(std::string(kQ) + ".lora_A.default.weight", {2, 64}, 1),
         Tensor(std::string(kQ) + ".lora_B.default.weight", {64, 2}, 101)});
  EXPECT_EQ(Merged(kQ, {64, 64}), plain);
}

TEST_F(AdapterKinds, ConvertedWithAllOfIt) {
  std::vector<Made> tensors = Pair(kQ, 64, 64, 2, 1);
  tensors.push_back(Tensor("lm_head.weight", {70, 64}, 3));
  Write(tensors, {{"modules_to_save", {"lm_head"}}});
  const auto converted = Convert({.input = base_, .output = directory_ / "out", .adapter = lora_});
  ASSERT_TRUE(converted.ok()) << converted.error().Message();
  const auto opened = Checkpoint::Open(directory_ / "out");
  ASSERT_TRUE(opened.ok()) << opened.error().Message();
  EXPECT_FALSE((*opened)->config().tied);
  const WeightView head = *(*opened)->Get("lm_head.weight", {70, 64});
  EXPECT_NE(head.As<PackedPanels>(), nullptr);
  const auto* values = reinterpret_cast<const uint16_t*>(head.tensor().data);
  EXPECT_EQ(values[0], FloatToBf16(Random(1, 3)[0]));
}

TEST_F(AdapterKinds, AnAdaptersDirectoryIsAModelWhereItsBaseIsAPath) {
  Write(Pair(kQ, 64, 64, 2, 1));
  const std::vector<float> merged = Merged(kQ, {64, 64});
  const auto open = [&](const Json& base) {
    Write(Pair(kQ, 64, 64, 2, 1), {{"base_model_name_or_path", base}});
    return Checkpoint::Open(lora_);
  };
  for (const std::string& path : {base_, std::string("../hf")}) {
    const auto opened = open(path);
    ASSERT_TRUE(opened.ok()) << opened.error().Message();
    EXPECT_EQ(Rows((*opened)->Get(std::string(kQ) + ".weight", {64, 64})), merged);
    EXPECT_EQ(std::filesystem::canonical((*opened)->path()), std::filesystem::canonical(base_));
  }
  for (const Json& base : {Json("someone/model"), Json(nullptr), Json("")}) {
    const auto opened = open(base);
    ASSERT_FALSE(opened.ok()) << base;
    EXPECT_EQ(opened.error().code, ErrorCode::kModel);
    EXPECT_THAT(opened.error().Message(), HasSubstr("--model BASE --adapter " + lora_));
  }
  // "." is there beside the adapter and where the program runs: which of the two is meant?
  EXPECT_THAT(open(".").error().Message(), HasSubstr("either of two"));
  EXPECT_THAT(open(lora_).error().Message(), HasSubstr("an adapter of an adapter"));
  EXPECT_THAT(Checkpoint::Open(lora_, lora_).error().Message(), HasSubstr("two adapters"));
  test::WriteBytes(lora_ + "/config.json", "{}");
  EXPECT_THAT(Checkpoint::Open(lora_).error().Message(), HasSubstr("a model and an adapter"));
}

}  // namespace
}  // namespace gatehouse

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "backend/create.h"
#include "checkpoint/convert.h"
#include "quantise/calibrated_recipe.h"
#include "support/checkpoint_maker.h"
#include "support/cosine.h"
#include "support/temp_dir.h"
#include "tensor/page.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// Prompts that begin alike for more than a page, as a policy's do.
std::vector<TokenIds> Prompts(int32_t vocab) {
  std::mt19937 random(5);
  std::uniform_int_distribution<int32_t> token(0, vocab - 1);
  std::vector<TokenIds> out(12);
  TokenIds policy(70);
  for (int32_t& one : policy) one = token(random);
  for (size_t i = 0; i < out.size(); ++i) {
    if (i % 4 != 0) out[i] = policy;  // and some that do not
    for (size_t j = 0; j < 20 + 7 * i; ++j) out[i].push_back(token(random));
  }
  return out;
}

std::unique_ptr<Checkpoint> Open(const std::string& name) {
  const auto path = test::CachedCheckpoint(name);
  auto checkpoint = Checkpoint::Open(path.value());
  EXPECT_TRUE(checkpoint.ok());
  return std::move(*checkpoint);
}

std::vector<float> Logits(const ModelConfig& config, const WeightLookup& lookup, const TokenIds& ids,
                          bool f32 = true) {
  const auto backend = CreateBackend({.threads = 2, .f32 = f32});
  const auto decoder = Decoder::Create(config, lookup, **backend);
  const auto cache = (*backend)->CreateKvCache((*decoder)->kv_shape());
  Batch batch;
  batch.sequences.push_back({{}, 0});
  for (int32_t i = 0; i * kPageTokens < static_cast<int32_t>(ids.size()); ++i)
    batch.sequences[0].pages.push_back(i);
  EXPECT_TRUE(cache->Reserve(static_cast<int32_t>(batch.sequences[0].pages.size())).ok());
  for (int32_t i = 0; i < static_cast<int32_t>(ids.size()); ++i)
    batch.rows.push_back({ids[static_cast<size_t>(i)], -1, i, 0, i - 1});
  batch.questions = {{static_cast<int32_t>(ids.size()) - 1, {}, /*whole=*/true}};
  return (*decoder)->Forward(batch, *cache).value()[0].logits;
}

TEST(CalibratedRecipe, EditsLeaveTheNetworkAsItIs) {
  for (const char* name : {"lg3-tiny", "lg4-tiny", "scout-tiny"}) {
    const auto checkpoint = Open(name);
    const ModelConfig& config = checkpoint->config();
    const std::vector<TokenIds> prompts = Prompts(static_cast<int32_t>(config.vocab));
    CalibratedRecipe recipe({.prompts = prompts, .threads = 2});
    ASSERT_TRUE(recipe.Begin(*checkpoint).ok()) << name;
    int edited = 0;
    const WeightLookup lookup = [&](const TensorSpec& spec) -> Result<WeightView> {
      GATEHOUSE_ASSIGN(const WeightView view, checkpoint->Get(spec.name, spec.shape));
      edited += recipe.Edits(spec.name);
      return recipe.Edits(spec.name) ? recipe.Edit(spec.name, view) : view;
    };
    const std::vector<float> before = Logits(config, checkpoint->lookup(), prompts[3]);
    const std::vector<float> after = Logits(config, lookup, prompts[3]);
    EXPECT_GT(edited, 0) << name;
    float most = 0, difference = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      most = std::max(most, std::fabs(before[i]));
      difference = std::max(difference, std::fabs(before[i] - after[i]));
    }
    EXPECT_LT(difference, 1e-5f * most) << name;
  }
}

std::string BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CalibratedRecipe, ConvertsToTheSameBytesWithAnyThreadsAndMemory) {
  const test::TempDir directory;
  const auto path = test::CachedCheckpoint("lg3-tiny");
  const auto checkpoint = Open("lg3-tiny");
  std::string first;
  for (const bool small : {false, true}) {
    CalibrationOptions options{.prompts = Prompts(static_cast<int32_t>(checkpoint->config().vocab)),
                               .threads = small ? 3 : 1,
                               .format = QuantFormat::kQ4};
    if (small) {
      int64_t most = 0;
      for (const TensorSpec& spec : ListTensors(checkpoint->config()))
        if (spec.may_round) most = std::max(most, InputMoments::Bytes(spec.shape[1]));
      options.memory = most;
      std::reverse(options.prompts.begin(), options.prompts.end());
    }
    CalibratedRecipe recipe(options);
    const auto done = Convert({.input = path.value(),
                               .output = directory / "out",
                               .threads = options.threads,
                               .quant = QuantFormat::kQ4,
                               .recipe = &recipe});
    ASSERT_TRUE(done.ok()) << done.error().Message();
    EXPECT_EQ(recipe.summary().passes > 2, small);
    const std::string bytes = BytesOf(directory / "out/" + std::string(kConvertedWeights));
    ASSERT_FALSE(bytes.empty());
    if (!small) first = bytes;
    EXPECT_TRUE(bytes == first);
    EXPECT_TRUE(Checkpoint::Open(directory / "out").ok());
  }
}

TEST(CalibratedRecipe, FinerWeightsAreFewAndStoredSo) {
  const test::TempDir directory;
  const auto checkpoint = Open("lg3-tiny");
  CalibratedRecipe recipe({.prompts = Prompts(static_cast<int32_t>(checkpoint->config().vocab)),
                           .threads = 2,
                           .format = QuantFormat::kQ4,
                           .finer_share = 0.2});
  ASSERT_TRUE(Convert({.input = checkpoint->path(),
                       .output = directory / "out",
                       .quant = QuantFormat::kQ4,
                       .recipe = &recipe})
                  .ok());
  const CalibrationSummary& summary = recipe.summary();
  ASSERT_FALSE(summary.finer.empty());
  EXPECT_LE(static_cast<double>(summary.finer_weights), 0.2 * static_cast<double>(summary.weights));
  const auto converted = Checkpoint::Open(directory / "out");
  ASSERT_TRUE(converted.ok());
  for (const TensorSpec& spec : ListTensors(checkpoint->config())) {
    if (!spec.may_round) continue;
    const bool finer = std::count(summary.finer.begin(), summary.finer.end(), spec.name) != 0;
    const auto view = (*converted)->Get(spec.name, spec.shape);
    const auto* rounded = view->As<RoundedPanels>();
    ASSERT_NE(rounded, nullptr) << spec.name;
    EXPECT_EQ(rounded->format, finer ? QuantFormat::kQ8 : QuantFormat::kQ4) << spec.name;
    EXPECT_TRUE(rounded->transformed) << spec.name;
  }
}

// Weights of 4 bits, transformed, beside those of 8 that meet the same input: as kernels compute them, and
// widened.
TEST(CalibratedRecipe, TheRoundedNetworkIsNearWhatItWas) {
  for (const char* name : {"lg3-tiny", "lg4-tiny"}) {
    const test::TempDir directory;
    const auto checkpoint = Open(name);
    const auto vocab = static_cast<int32_t>(checkpoint->config().vocab);
    CalibratedRecipe recipe(
        {.prompts = Prompts(vocab), .threads = 2, .format = QuantFormat::kQ4, .finer_share = 0.3});
    ASSERT_TRUE(Convert({.input = checkpoint->path(),
                         .output = directory / "out",
                         .quant = QuantFormat::kQ4,
                         .recipe = &recipe})
                    .ok());
    const auto converted = Checkpoint::Open(directory / "out");
    ASSERT_TRUE(converted.ok());
    const TokenIds ids = Prompts(vocab).front();
    const std::vector<float> exact = Logits(checkpoint->config(), checkpoint->lookup(), ids),
                             widened = Logits(checkpoint->config(), (*converted)->lookup(), ids),
                             rounded = Logits(checkpoint->config(), (*converted)->lookup(), ids, false);
    EXPECT_GE(test::Cosine(widened, exact), 0.95) << name;
    EXPECT_GE(test::Cosine(rounded, widened), 0.99) << name;
    std::printf("%s: widened to exact %.4f, rounded to widened %.5f\n", name, test::Cosine(widened, exact),
                test::Cosine(rounded, widened));
  }
}

TEST(CalibratedRecipe, InFourBitsFirstLayersAreFinerFirst) {
  const auto checkpoint = Open("lg3-tiny");
  std::vector<TokenIds> prompts = Prompts(static_cast<int32_t>(checkpoint->config().vocab));
  prompts.resize(2);
  const auto summary = [&](QuantFormat format, std::optional<double> share) {
    CalibratedRecipe recipe({.prompts = prompts, .threads = 2, .format = format, .finer_share = share});
    EXPECT_TRUE(recipe.Begin(*checkpoint).ok());
    return recipe.summary();
  };
  const CalibrationSummary none = summary(QuantFormat::kQ4, 0.0), all = summary(QuantFormat::kQ4, 1.0);
  EXPECT_TRUE(none.finer.empty());
  EXPECT_EQ(all.finer_weights, all.weights);
  const auto is_first = [](const std::string& name) { return name.rfind("model.layers.0.", 0) == 0; };
  EXPECT_TRUE(is_first(all.finer.front()));
  EXPECT_FALSE(is_first(all.finer.back()));
  EXPECT_TRUE(std::is_partitioned(all.finer.begin(), all.finer.end(), is_first));
  for (const QuantFormat format : {QuantFormat::kQ8, QuantFormat::kQ4}) {
    const CalibrationSummary usual = summary(format, std::nullopt);
    EXPECT_LE(static_cast<double>(usual.finer_weights),
              FinerShare(format) * static_cast<double>(usual.weights));
  }
}

TEST(CalibratedRecipe, SaysWhatIsMissing) {
  const auto checkpoint = Open("lg3-tiny");
  CalibratedRecipe none({});
  const auto no_prompts = none.Begin(*checkpoint);
  ASSERT_FALSE(no_prompts.ok());
  EXPECT_THAT(no_prompts.error().Message(), HasSubstr("at least one"));
  CalibratedRecipe poor({.prompts = {{1, 2, 3}}, .memory = 100});
  const auto no_memory = poor.Begin(*checkpoint);
  ASSERT_FALSE(no_memory.ok());
  EXPECT_THAT(no_memory.error().Message(), HasSubstr("--calibrate-memory"));
  CalibratedRecipe beyond({.prompts = {{1, 2, 1 << 30}}});
  EXPECT_FALSE(beyond.Begin(*checkpoint).ok());
}

TEST(PromptPass, SharedBeginningsAreComputedOnce) {
  TokenIds policy(2 * kPageTokens + 5, 1);
  std::vector<TokenIds> prompts(3, policy);
  for (size_t i = 0; i < 3; ++i) prompts[i].push_back(static_cast<int32_t>(2 + i));
  const auto all = static_cast<int64_t>(3 * prompts[0].size());
  EXPECT_EQ(PassRows(prompts), all - 2 * 2 * kPageTokens);
  EXPECT_EQ(PassRows({{1, 2, 3}, {4, 5}}), 5);
}

}  // namespace
}  // namespace gatehouse

// Steps of the optimiser, what comes of them, and the adapter that is written: as PEFT's, read back by the
// checkpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "checkpoint/adapter.h"
#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"
#include "train/adamw.h"
#include "train/peft_writer.h"
#include "train/train_models.h"

namespace gatehouse {
namespace {

using test::Trainer;
using testing::HasSubstr;

void Upload(train::Operations& ops, const std::vector<float>& values, const Mat& to) {
  ops.Upload(values, to);
}

class Training : public testing::Test {
 protected:
  Trainer Make(const nlohmann::ordered_json& config, const train::LoraOptions& lora, int threads = 2) {
    const Result<void> written = test::WriteCheckpointOf(config.dump(), 9, directory_ / "base");
    if (!written.ok()) throw std::runtime_error(written.error().Message());
    return test::MakeTrainer(directory_ / "base", lora, {.threads = threads});
  }
  static train::TrainBatch Batch(const Trainer& trainer) {
    const int32_t vocab = trainer.checkpoint->config().vocab;
    train::TrainBatch batch =
        train::MakeBatch(test::RandomIds(9, vocab, 5), test::RandomTexts({6, 11, 8}, vocab, 50));
    batch.divide_by = 3;
    return batch;
  }
  test::TempDir directory_;
};

// The published formula (Loshchilov and Hutter), in double, with gradients clipped as one.
TEST_F(Training, StepsAreThoseOfAdamW) {
  Trainer trainer = Make(test::TrainLlama(true), {.rank = 2, .modules = {"v_proj"}});
  const auto& tensors = trainer.lora->tensors();
  constexpr double kRate = 0.01, kBeta1 = 0.8, kBeta2 = 0.95, kEps = 1e-6, kDecay = 0.1, kClip = 3.0;
  auto optimiser = train::AdamW::Create(
      tensors, {.beta1 = kBeta1, .beta2 = kBeta2, .eps = kEps, .decay = kDecay, .clip = kClip}, *trainer.ops);
  ASSERT_TRUE(optimiser.ok()) << optimiser.error().Message();
  std::vector<std::vector<double>> values, first, second;
  for (const train::TrainedTensor& tensor : tensors) {
    const std::vector<float> begun = test::ValuesOf(*trainer.ops, tensor.value);
    values.emplace_back(begun.begin(), begun.end());
    first.emplace_back(begun.size(), 0.0);
    second.emplace_back(begun.size(), 0.0);
  }
  for (int step = 1; step <= 5; ++step) {
    std::vector<std::vector<float>> gradients;
    double squares = 0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      const double size = step == 3 ? 1e-3 : 1.0;  // once too short to be clipped
      gradients.push_back(
          test::RandomValues(values[i].size(), size, static_cast<unsigned>(10 * step) + unsigned(i)));
      for (const float g : gradients[i]) squares += double{g} * double{g};
      Upload(*trainer.ops, gradients[i], tensors[i].gradient);
    }
    const auto taken = optimiser->Step(kRate);
    ASSERT_TRUE(taken.ok());
    EXPECT_TRUE(taken->taken);
    EXPECT_NEAR(taken->norm, std::sqrt(squares), 1e-6 * std::sqrt(squares));
    const double factor = std::sqrt(squares) > kClip ? kClip / std::sqrt(squares) : 1.0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      for (size_t j = 0; j < values[i].size(); ++j) {
        const double g = factor * double{gradients[i][j]};
        first[i][j] = kBeta1 * first[i][j] + (1 - kBeta1) * g;
        second[i][j] = kBeta2 * second[i][j] + (1 - kBeta2) * g * g;
        const double m = first[i][j] / (1 - std::pow(kBeta1, step)),
                     v = second[i][j] / (1 - std::pow(kBeta2, step));
        values[i][j] -= kRate * (m / (std::sqrt(v) + kEps) + kDecay * values[i][j]);
      }
    }
  }
  EXPECT_EQ(optimiser->steps(), 5);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const std::vector<float> found = test::ValuesOf(*trainer.ops, tensors[i].value);
    for (size_t j = 0; j < found.size(); ++j)
      ASSERT_NEAR(double{found[j]}, values[i][j], 1e-5) << i << " " << j;
  }
}

TEST_F(Training, AGradientThatIsNotFiniteChangesNothing) {
  Trainer trainer = Make(test::TrainLlama(true), {.rank = 2, .modules = {"v_proj"}});
  const auto& tensors = trainer.lora->tensors();
  auto optimiser = train::AdamW::Create(tensors, {}, *trainer.ops);
  ASSERT_TRUE(optimiser.ok());
  const std::vector<float> before = test::ValuesOf(*trainer.ops, tensors[0].value);
  std::vector<float> gradient(before.size(), 0.5f);
  gradient[1] = std::numeric_limits<float>::quiet_NaN();
  Upload(*trainer.ops, gradient, tensors[0].gradient);
  const auto taken = optimiser->Step(0.1);
  ASSERT_TRUE(taken.ok());
  EXPECT_FALSE(taken->taken);
  EXPECT_EQ(optimiser->steps(), 0);
  EXPECT_EQ(test::ValuesOf(*trainer.ops, tensors[0].value), before);
}

TEST_F(Training, LearnsWhatItIsShown) {
  std::vector<std::vector<float>> ends;
  for (const int threads : {1, 2}) {
    Trainer trainer = Make(test::TrainLlama(false), {.rank = 4, .alpha = 8}, threads);
    const train::TrainBatch batch = Batch(trainer);
    auto optimiser = train::AdamW::Create(trainer.lora->tensors(), {}, *trainer.ops);
    ASSERT_TRUE(optimiser.ok());
    const auto before = trainer.network->Loss(batch);
    ASSERT_TRUE(before.ok());
    for (int step = 0; step < 30; ++step) {
      trainer.lora->ZeroGradients(*trainer.ops);
      ASSERT_TRUE(trainer.network->Gradients(batch).ok());
      ASSERT_TRUE(optimiser->Step(0.01).ok());
    }
    const auto after = trainer.network->Loss(batch);
    ASSERT_TRUE(after.ok());
    EXPECT_LT(*after, *before / 3);
    ends.push_back(test::ValuesOf(*trainer.ops, trainer.lora->tensors().back().value));
  }
  EXPECT_EQ(ends[0], ends[1]) << "other bits with another number of threads";
}

TEST_F(Training, TheAdapterIsReadBackAsWhatWasTrained) {
  for (const bool llama4 : {false, true}) {
    Trainer trainer =
        Make(llama4 ? test::TrainLlama4() : test::TrainLlama(false),
             {.rank = 3, .alpha = 5, .modules = {"q_proj", "down_proj", "lm_head"}, .first_layer = 1});
    const ModelConfig& config = trainer.checkpoint->config();
    const std::string path = directory_ / (llama4 ? "adapter4" : "adapter");
    const Result<void> written = train::WritePeftAdapter(path, config, *trainer.lora, "base", *trainer.ops);
    ASSERT_TRUE(written.ok()) << written.error().Message();
    // Once more, over itself.
    ASSERT_TRUE(train::WritePeftAdapter(path, config, *trainer.lora, "base", *trainer.ops).ok());

    const auto adapter = Adapter::Open(path);
    ASSERT_TRUE(adapter.ok()) << adapter.error().Message();
    EXPECT_EQ((*adapter)->deltas().size(), 5u);  // two layers of three, and the head
    const LoraDelta* delta = (*adapter)->Find("model.layers.2.mlp.down_proj.weight");
    if (llama4) delta = (*adapter)->Find("model.layers.2.feed_forward.down_proj.weight");
    ASSERT_NE(delta, nullptr);
    EXPECT_FLOAT_EQ(delta->scale, 5.0f / 3.0f);

    // The merged model computes what was trained, but for the rounding to half precision.
    const auto merged = Checkpoint::Open(directory_ / "base", path);
    ASSERT_TRUE(merged.ok()) << merged.error().Message();
    const auto none = train::LoraSet::Create(config, {.modules = {"q_proj"}}, *trainer.ops);
    ASSERT_TRUE(none.ok());
    auto network = train::Network::Create(config, (*merged)->lookup(), *none, *trainer.ops);
    ASSERT_TRUE(network.ok()) << network.error().Message();
    const train::TrainBatch batch = Batch(trainer);
    const std::vector<int32_t> read = {static_cast<int32_t>(batch.ids.size()) - 1};
    const auto trained = trainer.network->Logits(batch.rows, batch.ids, read);
    const auto served = (*network)->Logits(batch.rows, batch.ids, read);
    ASSERT_TRUE(trained.ok() && served.ok());
    double worst = 0, size = 0;
    for (size_t i = 0; i < trained->size(); ++i) {
      worst = std::max(worst, std::abs(double{(*trained)[i]} - double{(*served)[i]}));
      size = std::max(size, std::abs(double{(*trained)[i]}));
    }
    EXPECT_LE(worst, 4e-3 * size);
  }
}

TEST_F(Training, RefusesByNameWhatItCannotDo) {
  Trainer trainer = Make(test::TrainLlama(true), {.rank = 2});
  const ModelConfig& config = trainer.checkpoint->config();
  const auto lora_error = [&](const train::LoraOptions& options) {
    const auto made = train::LoraSet::Create(config, options, *trainer.ops);
    return made.ok() ? std::string("no error") : made.error().Message();
  };
  EXPECT_THAT(lora_error({.rank = 0}), HasSubstr("rank: expected 1 .. 4096, found 0"));
  EXPECT_THAT(lora_error({.rank = 4097}), HasSubstr("found 4097"));
  EXPECT_THAT(lora_error({.alpha = -1}), HasSubstr("alpha"));
  EXPECT_THAT(lora_error({.modules = {"q_proj", "qproj"}}), HasSubstr("found qproj"));
  EXPECT_THAT(lora_error({.modules = {"q_proj"}, .first_layer = 3}), HasSubstr("found q_proj"));
  const auto adamw_error = [&](const train::AdamWOptions& options) {
    const auto made = train::AdamW::Create(trainer.lora->tensors(), options, *trainer.ops);
    return made.ok() ? std::string("no error") : made.error().Message();
  };
  EXPECT_THAT(adamw_error({.beta1 = 1}), HasSubstr("beta1"));
  EXPECT_THAT(adamw_error({.beta2 = -0.1}), HasSubstr("beta2"));
  EXPECT_THAT(adamw_error({.eps = 0}), HasSubstr("eps"));
  EXPECT_THAT(adamw_error({.decay = -1}), HasSubstr("decay"));
  EXPECT_THAT(adamw_error({.clip = -1}), HasSubstr("clip"));

  const auto batch_error = [&](const std::function<void(train::TrainBatch&)>& change) {
    train::TrainBatch batch = Batch(trainer);
    change(batch);
    const auto loss = trainer.network->Gradients(batch);
    return loss.ok() ? std::string("no error") : loss.error().Message();
  };
  EXPECT_EQ(batch_error([](auto&) {}), "no error");
  EXPECT_THAT(batch_error([](auto& batch) { batch = {}; }), HasSubstr("no rows"));
  EXPECT_THAT(batch_error([](auto& batch) { batch.ids.pop_back(); }), HasSubstr("token ids"));
  EXPECT_THAT(batch_error([](auto& batch) { batch.ids[3] = 61; }), HasSubstr("token id out of range"));
  EXPECT_THAT(batch_error([](auto& batch) { batch.targets[1].row = 1000; }), HasSubstr("row out of range"));
  EXPECT_THAT(batch_error([](auto& batch) { batch.targets[1].token = -1; }),
              HasSubstr("target out of range"));
  EXPECT_THAT(batch_error([](auto& batch) { ++batch.rows.segments[1].first; }), HasSubstr("gap"));
  EXPECT_EQ(batch_error([](auto&) {}), "no error");

  const auto many = train::CreateCpuOperations({.threads = 1025});
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, ErrorCode::kUsage);

  // An adapter's place with something else in it, and a value that F16 does not have.
  test::WriteBytes(directory_ / "full/notes.txt", "x");
  const Result<void> full =
      train::WritePeftAdapter(directory_ / "full", config, *trainer.lora, "base", *trainer.ops);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kUsage);
  const train::TrainedTensor& tensor = trainer.lora->tensors()[0];
  std::vector<float> large = test::ValuesOf(*trainer.ops, tensor.value);
  large[0] = 1e6f;
  Upload(*trainer.ops, large, tensor.value);
  const Result<void> wide =
      train::WritePeftAdapter(directory_ / "wide", config, *trainer.lora, "base", *trainer.ops);
  ASSERT_FALSE(wide.ok());
  EXPECT_THAT(wide.error().Message(), HasSubstr("lora_A"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "wide"));
}

}  // namespace
}  // namespace gatehouse

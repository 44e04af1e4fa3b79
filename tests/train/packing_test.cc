// A batch of conversations behind a shared prefix against the same ones computed whole, one at a time; and
// what the number of threads must not change.
#include <gtest/gtest.h>

#include <cmath>

#include "support/checkpoint_maker.h"
#include "support/cosine.h"
#include "support/temp_dir.h"
#include "train/train_models.h"

namespace gatehouse {
namespace {

using test::Trainer;

// Longer than a block of rows and than a panel of keys, and lengths that fill neither.
constexpr size_t kPrefix = 75;
const std::vector<size_t> kLengths = {90, 1, 33, 64};

std::string WriteModel(const nlohmann::ordered_json& config, const test::TempDir& directory) {
  const Result<void> written = test::WriteCheckpointOf(config.dump(), 9, directory.path());
  if (!written.ok()) throw std::runtime_error(written.error().Message());
  return directory.path();
}

double RelativeDistance(const std::vector<float>& a, const std::vector<float>& b) {
  double distance = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double p = static_cast<double>(a[i]), q = static_cast<double>(b[i]);
    distance += (p - q) * (p - q);
    size += q * q;
  }
  return std::sqrt(distance / size);
}

// Gradients of each conversation computed whole, without a prefix, added up.
std::vector<std::vector<float>> OneByOne(Trainer& trainer, const std::vector<int32_t>& prefix,
                                         const std::vector<train::TrainText>& texts) {
  std::vector<std::vector<float>> sum;
  for (const train::TrainText& text : texts) {
    train::TrainText whole = text;
    whole.ids.insert(whole.ids.begin(), prefix.begin(), prefix.end());
    for (train::TrainText::Target& target : whole.targets) target.at += static_cast<int32_t>(prefix.size());
    train::TrainBatch batch = train::MakeBatch({}, {whole});
    batch.divide_by = static_cast<double>(texts.size());
    const std::vector<std::vector<float>> gradients = trainer.GradientsOf(batch);
    sum.resize(gradients.size());
    for (size_t i = 0; i < gradients.size(); ++i) {
      sum[i].resize(gradients[i].size());
      for (size_t j = 0; j < gradients[i].size(); ++j) sum[i][j] += gradients[i][j];
    }
  }
  return sum;
}

class Packing : public testing::TestWithParam<bool> {};

TEST_P(Packing, GivesTheGradientsOfOneConversationAtATime) {
  const test::TempDir directory;
  const std::string path = WriteModel(GetParam() ? test::TrainLlama4() : test::TrainLlama(true), directory);
  Trainer trainer = test::MakeTrainer(path, {.rank = 4, .alpha = 4}, {.threads = 2});
  const int32_t vocab = trainer.checkpoint->config().vocab;
  const std::vector<int32_t> prefix = test::RandomIds(kPrefix, vocab, 5);
  const std::vector<train::TrainText> texts = test::RandomTexts(kLengths, vocab, 50);
  train::TrainBatch batch = train::MakeBatch(prefix, texts);
  batch.divide_by = static_cast<double>(texts.size());
  const std::vector<std::vector<float>> packed = trainer.GradientsOf(batch);
  const std::vector<std::vector<float>> alone = OneByOne(trainer, prefix, texts);
  double worst = 0;
  for (size_t i = 0; i < packed.size(); ++i) worst = std::max(worst, RelativeDistance(packed[i], alone[i]));
  EXPECT_LE(worst, 1e-4);
  std::printf("packed against one at a time: relative distance %.1e\n", worst);
  // The prefix's share is there to be seen: without one conversation the sums are others.
  const std::vector<train::TrainText> fewer(texts.begin(), texts.end() - 1);
  const std::vector<std::vector<float>> other = OneByOne(trainer, prefix, fewer);
  EXPECT_GT(RelativeDistance(packed[0], other[0]), 1e-2);
}

TEST_P(Packing, GivesTheSameBitsOnAnyNumberOfThreads) {
  const test::TempDir directory;
  const std::string path = WriteModel(GetParam() ? test::TrainLlama4() : test::TrainLlama(true), directory);
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 2, 5}) {
    Trainer trainer = test::MakeTrainer(path, {.rank = 4, .alpha = 4}, {.threads = threads});
    const int32_t vocab = trainer.checkpoint->config().vocab;
    const train::TrainBatch batch =
        train::MakeBatch(test::RandomIds(kPrefix, vocab, 5), test::RandomTexts(kLengths, vocab, 50));
    const std::vector<std::vector<float>> gradients = trainer.GradientsOf(batch);
    if (first.empty()) first = gradients;
    EXPECT_EQ(gradients, first) << threads;
    EXPECT_EQ(trainer.GradientsOf(batch), first) << "a second time";
  }
}

// The same with products in BF16, where the processor has them.
TEST_P(Packing, PointsTheSameWayWithBf16Products) {
  const test::TempDir directory;
  const std::string path = WriteModel(GetParam() ? test::TrainLlama4() : test::TrainLlama(true), directory);
  Trainer exact = test::MakeTrainer(path, {.rank = 4, .alpha = 4}, {.threads = 2});
  Trainer rounded = test::MakeTrainer(path, {.rank = 4, .alpha = 4}, {.threads = 2, .f32 = false});
  if (rounded.ops->Describe() == exact.ops->Describe()) GTEST_SKIP() << "no products in BF16 here";
  const int32_t vocab = exact.checkpoint->config().vocab;
  const train::TrainBatch batch =
      train::MakeBatch(test::RandomIds(kPrefix, vocab, 5), test::RandomTexts(kLengths, vocab, 50));
  const std::vector<std::vector<float>> wanted = exact.GradientsOf(batch), found = rounded.GradientsOf(batch);
  double least = 1;
  for (size_t i = 0; i < wanted.size(); ++i) least = std::min(least, test::Cosine(wanted[i], found[i]));
  EXPECT_GE(least, 0.999);
  EXPECT_NE(wanted, found);
  std::printf("BF16 against float32: least cosine %.6f\n", least);
}

INSTANTIATE_TEST_SUITE_P(Models, Packing, testing::Values(false, true),
                         [](const auto& tested) { return tested.param ? "Llama4" : "Llama"; });

}  // namespace
}  // namespace gatehouse

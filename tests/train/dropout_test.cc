// Dropout before LoRA's A: what is left out, and the gradients of what is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"
#include "train/train_models.h"

namespace gatehouse {
namespace {

using test::Trainer;
using train::Dropout;

class Dropouts : public testing::Test {
 protected:
  Trainer Make(double dropout, int threads = 2) {
    const Result<void> written =
        test::WriteCheckpointOf(test::TrainLlama(true).dump(), 9, directory_ / "base");
    if (!written.ok()) throw std::runtime_error(written.error().Message());
    return test::MakeTrainer(directory_ / "base", {.rank = 4, .alpha = 6, .dropout = dropout},
                             {.threads = threads});
  }
  static train::TrainBatch Batch(const Trainer& trainer, uint64_t drop_seed) {
    const int32_t vocab = trainer.checkpoint->config().vocab;
    train::TrainBatch batch =
        train::MakeBatch(test::RandomIds(9, vocab, 5), test::RandomTexts({6, 11, 8}, vocab, 50));
    batch.divide_by = 3;
    batch.drop_seed = drop_seed;
    return batch;
  }
  test::TempDir directory_;
};

// What becomes of a matrix of ones, and of another on top of which it comes.
struct Dropped {
  std::vector<float> over, onto;
};
Dropped DropOnes(train::Operations& ops, int64_t rows, int64_t cols, const Dropout& dropout) {
  const auto memory = ops.Allocate(2 * rows * cols);
  if (!memory.ok()) throw std::runtime_error(memory.error().Message());
  const Mat x = {memory->get(), 0, rows, cols}, y = {memory->get(), rows * cols, rows, cols};
  const std::vector<float> ones(static_cast<size_t>(rows * cols), 1.0f);
  Dropped out;
  ops.Upload(ones, x);
  ops.Drop(x, dropout, y);
  out.over = test::ValuesOf(ops, y);
  ops.Upload(ones, y);
  ops.DropOnto(x, dropout, y);
  out.onto = test::ValuesOf(ops, y);
  return out;
}

TEST_F(Dropouts, LeavesOutTheShareThatIsAskedForAndGrowsTheRest) {
  const auto ops = train::CreateCpuOperations({.threads = 2});
  ASSERT_TRUE(ops.ok());
  constexpr int64_t kCols = 577;
  for (const float rate : {0.05f, 0.5f, 0.9f}) {
    const Dropped found = DropOnes(**ops, 200, kCols, {rate, 7});
    double left_out = 0, columns_beside = 0;
    std::set<std::vector<float>> rows;
    for (size_t i = 0; i < found.over.size(); ++i) {
      const float value = found.over[i];
      if (value != 0) {
        EXPECT_NEAR(value, 1 / (1 - rate), 1e-3f);
      }
      EXPECT_EQ(found.onto[i], 1.0f + value);
      left_out += value == 0;
      columns_beside += i > 0 && (value == 0) == (found.over[i - 1] == 0);
    }
    for (size_t row = 0; row < 200; ++row) {
      const auto from = found.over.begin() + static_cast<std::ptrdiff_t>(row * kCols);
      rows.emplace(from, from + kCols);
    }
    const auto count = static_cast<double>(found.over.size());
    EXPECT_NEAR(left_out / count, static_cast<double>(rate), 0.006);
    // Whether one is left out says nothing about the next, nor one row about another.
    const double share = static_cast<double>(rate);
    EXPECT_NEAR(columns_beside / count, share * share + (1 - share) * (1 - share), 0.01);
    EXPECT_EQ(rows.size(), 200u);
    EXPECT_NE(DropOnes(**ops, 200, kCols, {rate, 8}).over, found.over);
  }
}

TEST_F(Dropouts, GradientsAreThoseOfTheLossWithTheSameValuesLeftOut) {
  Trainer trainer = Make(0.3);
  const train::TrainBatch batch = Batch(trainer, 11);
  double loss = 0;
  const std::vector<std::vector<float>> gradients = trainer.GradientsOf(batch, &loss);
  // The loss is of float32: steps that change it by 0.01 each way are far above its rounding.
  constexpr double kChange = 0.01, kLongest = 0.01;
  const auto loss_with = [&](const Mat& matrix, const std::vector<float>& values) {
    trainer.ops->Upload(values, matrix);
    const auto found = trainer.network->Loss(batch);
    if (!found.ok()) throw std::runtime_error(found.error().Message());
    return *found;
  };
  for (size_t i = 0; i < gradients.size(); ++i) {
    const train::TrainedTensor& tensor = trainer.lora->tensors()[i];
    const std::vector<float> before = test::ValuesOf(*trainer.ops, tensor.value);
    double squares = 0;
    for (const float g : gradients[i]) squares += static_cast<double>(g) * static_cast<double>(g);
    ASSERT_GT(squares, 1e-8) << tensor.name;
    const double length = std::sqrt(squares), step = std::min(kLongest, kChange / length);
    std::vector<float> up = before, down = before;
    for (size_t at = 0; at < before.size(); ++at) {
      const auto moved = static_cast<float>(step * static_cast<double>(gradients[i][at]) / length);
      up[at] += moved;
      down[at] -= moved;
    }
    const double slope = (loss_with(tensor.value, up) - loss_with(tensor.value, down)) / (2 * step);
    trainer.ops->Upload(before, tensor.value);
    EXPECT_NEAR(slope, length, 0.01 * length) << tensor.name;
  }
  // Of other values left out, and of none, the loss and its gradients are others.
  double other_loss = 0, whole_loss = 0;
  EXPECT_NE(trainer.GradientsOf(Batch(trainer, 12), &other_loss), gradients);
  EXPECT_NE(trainer.GradientsOf(Batch(trainer, 0), &whole_loss), gradients);
  EXPECT_GT(std::abs(other_loss - loss), 1e-4);
  EXPECT_GT(std::abs(whole_loss - loss), 1e-4);
}

TEST_F(Dropouts, OffIsAsIfThereWereNone) {
  Trainer with = Make(0.3), without = Make(0.0);
  const auto expected = without.GradientsOf(Batch(without, 0));
  EXPECT_EQ(without.GradientsOf(Batch(without, 11)), expected) << "no dropout, whatever the seed";
  EXPECT_EQ(with.GradientsOf(Batch(with, 0)), expected) << "no seed: nothing is left out";
}

TEST_F(Dropouts, TheSameBitsOnAnyNumberOfThreads) {
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 2, 5}) {
    Trainer trainer = Make(0.3, threads);
    const auto gradients = trainer.GradientsOf(Batch(trainer, 11));
    if (first.empty()) first = gradients;
    EXPECT_EQ(gradients, first) << threads;
  }
}

TEST_F(Dropouts, RefusesAShareThatLeavesNothing) {
  Trainer trainer = Make(0);
  for (const double dropout : {-0.1, 1.0, std::nan("")}) {
    const auto lora =
        train::LoraSet::Create(trainer.checkpoint->config(), {.dropout = dropout}, *trainer.ops);
    ASSERT_FALSE(lora.ok());
    EXPECT_THAT(lora.error().Message(), testing::HasSubstr("dropout"));
  }
}

}  // namespace
}  // namespace gatehouse

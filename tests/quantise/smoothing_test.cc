#include "quantise/smoothing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace gatehouse {
namespace {

constexpr int64_t kRows = 64, kCols = 160, kSamples = 48;

struct Made {
  InputMoments inputs;
  std::vector<float> w;
  RoundedProducts products;
};

// Inputs with a few channels `outlier` times as large as the others.
void Make(float outlier, Made* made) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  made->inputs.cols = kCols;
  made->inputs.sample_rows = kSamples;
  for (int64_t i = 0; i < kSamples * kCols; ++i)
    made->inputs.samples.push_back(normal(random) * (i % kCols % 40 == 7 ? outlier : 1.0f));
  for (int64_t i = 0; i < kRows * kCols; ++i) made->w.push_back(normal(random));
  WeightView view;
  view.rows = kRows;
  view.cols = kCols;
  view.storage = PlainRows{{DType::kF32, {kRows, kCols}, reinterpret_cast<const std::byte*>(made->w.data())}};
  made->products = {&made->inputs, {{view, QuantFormat::kQ8}}};
}

std::vector<float> RowsOf(const WeightView& view) {
  std::vector<float> out(static_cast<size_t>(view.rows * view.cols));
  view.ReadRows(0, view.rows, out.data());
  return out;
}

TEST(Smoothing, TakesOutliersOfTheInputsAway) {
  Made made;
  Make(60.0f, &made);
  ThreadPool pool(2);
  const SmoothingChoice choice = ChooseSmoothing(made.products, {}, pool);
  ASSERT_EQ(choice.factors.size(), static_cast<size_t>(kCols));
  EXPECT_LT(choice.error_after, 0.7 * choice.error_before);
  EXPECT_DOUBLE_EQ(choice.error_before, RoundingError(made.products, {}, true, pool));
  EXPECT_DOUBLE_EQ(choice.error_after, RoundingError(made.products, choice.factors, true, pool));
  for (const float factor : choice.factors) EXPECT_GT(factor, 0.0f);
}

TEST(Smoothing, IsTheSameWithAnyNumberOfThreads) {
  Made made;
  Make(20.0f, &made);
  ThreadPool one(1), three(3);
  const SmoothingChoice a = ChooseSmoothing(made.products, {}, one),
                        b = ChooseSmoothing(made.products, {}, three);
  EXPECT_EQ(a.factors, b.factors);
  EXPECT_EQ(a.error_after, b.error_after);
}

TEST(Smoothing, ChannelsThatShareAFactorDo) {
  Made made;
  Make(60.0f, &made);
  std::vector<int64_t> shared;
  for (int64_t k = 0; k < kCols; ++k) shared.push_back(k % 80);
  ThreadPool pool(2);
  const SmoothingChoice choice = ChooseSmoothing(made.products, shared, pool);
  ASSERT_FALSE(choice.factors.empty());
  for (size_t k = 0; k < 80; ++k) EXPECT_EQ(choice.factors[k], choice.factors[k + 80]);
}

TEST(Smoothing, RoundingNothingHasNoError) {
  Made made;
  Make(60.0f, &made);
  ThreadPool pool(1);
  made.products.weights[0].format = std::nullopt;
  EXPECT_LT(RoundingError(made.products, {}, false, pool), 1e-10);  // sums of transformed values
  EXPECT_GT(RoundingError(made.products, {}, true, pool), 0.0);
}

TEST(Smoothing, EditsAreReadRowByRow) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};  // [2, 3]
  WeightView view;
  view.rows = 2;
  view.cols = 3;
  view.storage = PlainRows{{DType::kF32, {2, 3}, reinterpret_cast<const std::byte*>(values.data())}};
  EXPECT_EQ(RowsOf(EditedView(view, {})), values);
  const WeightEdit edit{{10, 100}, {1, 2, 4}, {1, 0}, {2, 0, 1}};
  EXPECT_EQ(RowsOf(EditedView(view, edit)), (std::vector<float>{60, 80, 200, 300, 200, 800}));
}

TEST(Smoothing, LargestChannelsComeFirst) {
  Made made;
  Make(60.0f, &made);
  const std::vector<int64_t> order = ChannelsBySize(made.inputs);
  ASSERT_EQ(order.size(), static_cast<size_t>(kCols));
  EXPECT_THAT(std::vector<int64_t>(order.begin(), order.begin() + 4),
              testing::UnorderedElementsAre(7, 47, 87, 127));
  const InputMoments reordered = Reordered(made.inputs, order);
  for (size_t k = 0; k < order.size(); ++k)
    EXPECT_EQ(reordered.samples[k], made.inputs.samples[static_cast<size_t>(order[k])]);
}

}  // namespace
}  // namespace gatehouse

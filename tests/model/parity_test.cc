// Our networks against Hugging Face transformers in float32: logits, greedy tokens, hidden states, image
// vectors. Bars: docs of tests/golden (2e-4; two runs of the reference differ by 2e-5).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "support/golden_model.h"

namespace gatehouse {
namespace {

constexpr double kBar = 2e-4;

class Parity : public testing::TestWithParam<const char*> {};

TokenInput InputOf(Engine& engine, const test::GoldenCase& one, ImageFeatures* features) {
  if (one.images.empty()) return {one.ids, {}, {}};
  int tiles = 0;
  const std::vector<float> pixels = test::GoldenPixels(one.images, &tiles);
  auto encoded = engine.EncodeTiles(pixels, tiles);
  if (!encoded.ok()) throw std::runtime_error(encoded.error().Message());
  *features = std::move(encoded).value();
  return test::WithImages(one.ids, *features);
}

TEST_P(Parity, LogitsAndGreedyTokensOfEveryCase) {
  const test::LoadedModel model = test::LoadModel(GetParam(), /*f32=*/true);
  double worst = 0;
  for (const test::GoldenCase& one : test::GoldenCases(GetParam())) {
    ImageFeatures features;
    const TokenInput input = InputOf(*model.engine, one, &features);
    // All eight greedy steps as one tree: each is checked given the reference's tokens before it.
    const auto greedy = one.row["greedy_ids"].get<std::vector<int32_t>>();
    std::vector<TokenPath> paths;
    for (size_t step = 0; step < greedy.size(); ++step)
      paths.emplace_back(greedy.begin(), greedy.begin() + static_cast<int64_t>(step));
    Sequence sequence = model.engine->NewSequence();
    const auto logits = model.engine->Run(sequence, input, paths);
    ASSERT_TRUE(logits.ok()) << logits.error().Message();
    for (const auto& entry : one.row["top"]) {
      const double difference =
          std::fabs(static_cast<double>((*logits)[0][entry[0].get<size_t>()]) - entry[1].get<double>());
      EXPECT_LE(difference, kBar) << one.name << " id " << entry[0];
      worst = std::max(worst, difference);
    }
    for (size_t step = 0; step < greedy.size(); ++step) {
      const std::vector<float>& row = (*logits)[step];
      const float highest = *std::max_element(row.begin(), row.end());
      // Where two tokens are closer than 1e-3 either is right.
      EXPECT_GE(row[static_cast<size_t>(greedy[step])], highest - 1e-3f) << one.name << " step " << step;
    }
    const std::vector<float> whole = test::GoldenTensor(GetParam(), one.name + ".logits");
    if (!whole.empty()) {
      EXPECT_LE(test::MaxDifference((*logits)[0], whole), kBar) << one.name;
    }
  }
  RecordProperty("worst_logit_difference", std::to_string(worst));
}

TEST_P(Parity, HiddenStatesOfEveryLayer) {
  if (test::GoldenTensor(GetParam(), "user.hidden.0").empty())
    GTEST_SKIP() << "hidden states are not among the small references";
  const test::LoadedModel model = test::LoadModel(GetParam(), /*f32=*/true);
  const std::vector<test::GoldenCase> cases = test::GoldenCases(GetParam());
  const auto user =
      std::find_if(cases.begin(), cases.end(), [](const auto& one) { return one.name == "user"; });
  ASSERT_NE(user, cases.end());
  int seen = 0;
  const HiddenTap tap = [&](int index, const std::vector<float>& values) {
    ++seen;
    EXPECT_LE(
        test::MaxDifference(values, test::GoldenTensor(GetParam(), "user.hidden." + std::to_string(index))),
        kBar)
        << index;
  };
  Sequence sequence = model.engine->NewSequence();
  const std::vector<TokenPath> none;
  ASSERT_TRUE(model.engine->Run(sequence, {user->ids, {}, {}}, none, &tap).ok());
  EXPECT_EQ(seen, model.engine->config().layers + 1);
}

INSTANTIATE_TEST_SUITE_P(Models, Parity,
                         testing::Values("lg4-tiny", "lg4-small", "scout-tiny", "scout-tiny-pruned",
                                         "scout-tiny-pruned-lg4", "lg3-tiny", "lg3-tiny-tied"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(VisionParity, ImageVectors) {
  bool any = false;
  for (const char* name : {"lg4-tiny", "lg4-small", "scout-tiny"}) {
    const test::LoadedModel model = test::LoadModel(name, /*f32=*/true);
    for (const char* image : {"small.png", "photo.jpg", "wide.png", "square.jpg", "gray.jpg", "dot.png"}) {
      const std::vector<float> expected = test::GoldenTensor(name, std::string("vision.") + image);
      if (expected.empty()) continue;
      any = true;
      int tiles = 0;
      const std::vector<float> pixels = test::GoldenPixels({image}, &tiles);
      auto features = model.engine->EncodeTiles(pixels, tiles);
      ASSERT_TRUE(features.ok());
      std::vector<float> got(static_cast<size_t>(features->rows.rows * features->rows.cols));
      ASSERT_TRUE(model.engine->Download(features->rows, got.data()).ok());
      EXPECT_LE(test::MaxDifference(got, expected), kBar) << name << " " << image;
    }
  }
  if (!any) GTEST_SKIP() << "image vectors are not among the small references";
}

// BF16 products against float32 ones: what a user gets by default.
TEST(Bf16, StaysCloseToFloat32) {
  for (const char* name : {"lg4-tiny", "lg4-small", "lg3-tiny"}) {
    const test::LoadedModel exact = test::LoadModel(name, true), fast = test::LoadModel(name, false);
    for (const test::GoldenCase& one : test::GoldenCases(name)) {
      if (!one.images.empty()) continue;
      const std::vector<TokenPath> end = {{}};
      Sequence a = exact.engine->NewSequence(), b = fast.engine->NewSequence();
      const auto x = exact.engine->Run(a, {one.ids, {}, {}}, end),
                 y = fast.engine->Run(b, {one.ids, {}, {}}, end);
      ASSERT_TRUE(x.ok() && y.ok());
      double xy = 0, xx = 0, yy = 0;
      for (size_t i = 0; i < (*x)[0].size(); ++i) {
        const double p = static_cast<double>((*x)[0][i]), q = static_cast<double>((*y)[0][i]);
        xy += p * q;
        xx += p * p;
        yy += q * q;
      }
      EXPECT_GE(xy / std::sqrt(xx * yy), 0.999) << name << " " << one.name;
    }
  }
}

}  // namespace
}  // namespace gatehouse

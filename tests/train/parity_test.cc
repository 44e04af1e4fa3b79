// The trained network is the one that is served: logits of the trainer against the runtime's, both in
// float32. LoRA begins with B = 0, so they are the base's.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "support/golden_model.h"
#include "train/cpu_operations.h"
#include "train/network.h"

namespace gatehouse {
namespace {

constexpr double kBar = 2e-4;
constexpr int kCases =
    3;  // of each model: one of these is as good as another, and the large vocabularies take time

// The images of a case as both take them: the runtime by row of its features, the trainer by their values.
struct Seen {
  TokenInput input;
  ImageFeatures features;
  std::vector<train::PictureRows> pictures;
};

Result<Seen> See(Engine& engine, const test::GoldenCase& one) {
  Seen out;
  out.input = {one.ids, {}, {}};
  if (one.images.empty()) return out;
  int tiles = 0;
  const std::vector<float> pixels = test::GoldenPixels(one.images, &tiles);
  GATEHOUSE_ASSIGN(out.features, engine.EncodeTiles(pixels, tiles));
  out.input = test::WithImages(one.ids, out.features);
  const Mat& rows = out.features.rows;
  const auto values = std::make_shared<std::vector<float>>(static_cast<size_t>(rows.rows * rows.cols));
  GATEHOUSE_TRY(engine.Download(rows, values->data()));
  for (size_t i = 0; i < one.ids.size(); ++i) {
    const int32_t row = out.input.embedding_rows[i];
    if (row < 0) continue;
    const bool goes_on = i > 0 && out.input.embedding_rows[i - 1] >= 0;
    if (!goes_on) out.pictures.push_back({static_cast<int32_t>(i), 0, values, row});
    ++out.pictures.back().count;
  }
  return out;
}

class TrainParity : public testing::TestWithParam<const char*> {};

TEST_P(TrainParity, LogitsOfTextAndImages) {
  const test::LoadedModel model = test::LoadModel(GetParam(), /*f32=*/true);
  const ModelConfig& config = model.checkpoint->config();
  const auto ops = train::CreateCpuOperations({.threads = 2});
  ASSERT_TRUE(ops.ok()) << ops.error().Message();
  const auto lora = train::LoraSet::Create(config, {.rank = 2}, **ops);
  ASSERT_TRUE(lora.ok()) << lora.error().Message();
  const auto network = train::Network::Create(config, model.checkpoint->lookup(), *lora, **ops);
  ASSERT_TRUE(network.ok()) << network.error().Message();
  double worst = 0;
  int cases = 0, with_images = 0;
  for (const test::GoldenCase& one : test::GoldenCases(GetParam())) {
    if (++(one.images.empty() ? cases : with_images) > kCases) continue;
    const auto seen = See(*model.engine, one);
    ASSERT_TRUE(seen.ok()) << seen.error().Message();
    Sequence sequence = model.engine->NewSequence();
    const std::vector<TokenPath> end = {{}};
    const auto served = model.engine->Run(sequence, seen->input, end);
    ASSERT_TRUE(served.ok()) << served.error().Message();
    const auto length = static_cast<int64_t>(one.ids.size());
    const std::vector<int32_t> last = {static_cast<int32_t>(length) - 1};
    // Whole, and cut into a prefix and what follows it.
    for (const int64_t prefix : {int64_t{0}, length / 2}) {
      const auto trained =
          (*network)->Logits(train::Pack(prefix, {length - prefix}), one.ids, last, seen->pictures);
      ASSERT_TRUE(trained.ok()) << trained.error().Message();
      const double difference = test::MaxDifference(*trained, (*served)[0]);
      EXPECT_LE(difference, kBar) << one.name << " prefix " << prefix;
      worst = std::max(worst, difference);
    }
  }
  EXPECT_GE(cases, kCases);
  if (config.vision.present) {
    EXPECT_GT(with_images, 0);
  }
  std::printf("%s: logits within %.1e\n", GetParam(), worst);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainParity,
                         testing::Values("lg4-tiny", "lg4-small", "scout-tiny-pruned",
                                         "scout-tiny-pruned-lg4", "lg3-tiny", "lg3-tiny-tied"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(TrainNetwork, RefusesExperts) {
  const test::LoadedModel model = test::LoadModel("scout-tiny", /*f32=*/true);
  const auto ops = train::CreateCpuOperations({.threads = 1});
  ASSERT_TRUE(ops.ok());
  const auto lora = train::LoraSet::Create(model.checkpoint->config(), {.modules = {"q_proj"}}, **ops);
  ASSERT_TRUE(lora.ok()) << lora.error().Message();
  const auto network =
      train::Network::Create(model.checkpoint->config(), model.checkpoint->lookup(), *lora, **ops);
  ASSERT_FALSE(network.ok());
  EXPECT_EQ(network.error().code, ErrorCode::kModel);
  EXPECT_NE(network.error().Message().find("found experts"), std::string::npos) << network.error().Message();
}

}  // namespace
}  // namespace gatehouse

// Decoder and vision encoder whole on a device whose memory the host cannot touch, and whose operations wait
// until somebody waits for them: no host pointer to device data leaks out of backend/, none of the host's
// goes in for longer than its call, and what comes out is what the references say.
#include "backend/guarded_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "support/golden_model.h"

namespace gatehouse {
namespace {

constexpr double kBar = 2e-4;  // as in tests/model/parity_test.cc

test::LoadedModel LoadGuarded(const std::string& name, bool runs_ahead = false) {
  test::LoadedModel out;
  out.checkpoint = std::move(Checkpoint::Open(test::GoldenCheckpoint(name))).value();
  std::unique_ptr<Backend> backend = test::MakeGuardedBackend(size_t{4} << 30, runs_ahead);
  const ModelConfig& config = out.checkpoint->config();
  auto decoder = std::move(Decoder::Create(config, out.checkpoint->lookup(), *backend)).value();
  std::unique_ptr<VisionEncoder> vision;
  if (config.vision.present)
    vision = std::move(VisionEncoder::Create(config, out.checkpoint->lookup(), *backend)).value();
  out.engine =
      std::make_unique<Engine>(std::move(backend), std::move(decoder), std::move(vision), EngineOptions{});
  return out;
}

TEST(GuardedBackendDeathTest, TheHostCannotReadItsMemory) {
  const auto backend = test::MakeGuardedBackend();
  const auto buffer = std::move(backend->Allocate(4)).value();
  const Mat mat{buffer.get(), 0, 1, 4};
  float back[4] = {};
  PassScope pass(*backend);
  backend->Upload(std::vector<float>{1, 2, 3, 4}, mat);
  backend->Download(mat, back);
  EXPECT_TRUE(pass.End().ok());
  EXPECT_EQ(back[3], 4.0f);
  EXPECT_DEATH(std::fprintf(stderr, "%f", static_cast<double>(test::AddressOf(mat)[3])), "");
}

class Guarded : public testing::TestWithParam<const char*> {};

TEST_P(Guarded, TheDecoderComputesWhatTheReferencesSay) {
  const test::LoadedModel model = LoadGuarded(GetParam());
  int compared = 0;
  for (const test::GoldenCase& one : test::GoldenCases(GetParam())) {
    if (!one.images.empty() || one.ids.size() > 400) continue;
    if (++compared > 2) break;
    const auto greedy = one.row["greedy_ids"].get<std::vector<int32_t>>();
    const std::vector<TokenPath> paths = {{}, {greedy[0]}, {greedy[0], greedy[1]}, {5}};
    Sequence sequence = model.engine->NewSequence();
    const auto logits = model.engine->Run(sequence, {one.ids, {}, {}}, paths);
    ASSERT_TRUE(logits.ok()) << logits.error().Message();
    for (const auto& entry : one.row["top"]) {
      EXPECT_NEAR(static_cast<double>((*logits)[0][entry[0].get<size_t>()]), entry[1].get<double>(), kBar)
          << one.name << " id " << entry[0];
    }
    for (size_t step = 0; step < 3; ++step) {
      const std::vector<float>& row = (*logits)[step];
      EXPECT_GE(row[static_cast<size_t>(greedy[step])], *std::max_element(row.begin(), row.end()) - 1e-3f);
    }
  }
  EXPECT_GE(compared, 1);
}

INSTANTIATE_TEST_SUITE_P(Models, Guarded, testing::Values("lg4-tiny", "scout-tiny", "lg3-tiny"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// Pictures of two requests in one pass, tiles in groups of three: as the CPU has it, tile by tile.
TEST(GuardedVision, TilesAndPicturesAreTheCpus) {
  const test::LoadedModel guarded = LoadGuarded("lg4-tiny"), cpu = test::LoadModel("lg4-tiny", /*f32=*/true);
  int tiles = 0;
  std::vector<float> pixels = test::GoldenPixels({"wide.png"}, &tiles);
  const int used = std::min(tiles, 4);
  ASSERT_GT(used, 1);
  pixels.resize(pixels.size() / static_cast<size_t>(tiles) * static_cast<size_t>(used));
  std::vector<std::vector<float>> got;
  for (const test::LoadedModel* model : {&guarded, &cpu}) {
    auto features = model->engine->EncodeTiles(pixels, used);
    ASSERT_TRUE(features.ok()) << features.error().Message();
    got.emplace_back(static_cast<size_t>(features->rows.rows * features->rows.cols));
    ASSERT_TRUE(model->engine->Download(features->rows, got.back().data()).ok());
  }
  EXPECT_LE(test::MaxDifference(got[0], got[1]), kBar);
}

// A long text in seven chunks and a short one that comes meanwhile: where passes can be stopped, the short
// one gets one of its own; where they cannot, it shares a chunk's. The answers are those of each alone.
TEST(GuardedDriver, ShortTextsShareThePassesOfADeviceThatRunsAhead) {
  constexpr int32_t kLong = 300, kShort = 12, kChunks = 7;
  const auto text = [](int32_t tokens) {
    TokenInput input;
    for (int32_t i = 0; i < tokens; ++i) input.ids.push_back((i * 7919 + tokens) % 50000);
    return input;
  };
  const std::vector<TokenPath> end = {{}};
  for (const bool runs_ahead : {false, true}) {
    const test::LoadedModel model = LoadGuarded("lg3-tiny", runs_ahead);
    Engine& engine = *model.engine;
    const auto run = [&](int32_t tokens, const HiddenTap* tap = nullptr) {
      Sequence sequence = engine.NewSequence();
      return engine.Run(sequence, text(tokens), end, tap).value();
    };
    const auto long_alone = run(kLong), short_alone = run(kShort);
    const EngineStats before = engine.stats();
    EXPECT_EQ(before.passes, kChunks + 1);
    // The driver is held in a pass until both wait.
    std::thread long_thread, short_thread;
    std::vector<std::vector<float>> long_answer, short_answer;
    const HiddenTap hold = [&](int index, const std::vector<float>&) {
      if (index != 0) return;
      long_thread = std::thread([&] { long_answer = run(kLong); });
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      short_thread = std::thread([&] { short_answer = run(kShort); });
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    };
    run(1, &hold);
    long_thread.join();
    short_thread.join();
    EXPECT_EQ(long_answer, long_alone);
    EXPECT_EQ(short_answer, short_alone);
    const EngineStats after = engine.stats();
    EXPECT_EQ(after.passes - before.passes, 1 + kChunks + (runs_ahead ? 0 : 1)) << runs_ahead;
    EXPECT_EQ(after.sequences - before.sequences, 1 + kChunks + 1) << runs_ahead;
    if (runs_ahead) {
      EXPECT_EQ(after.stops, 0);
    }
  }
}

}  // namespace
}  // namespace gatehouse

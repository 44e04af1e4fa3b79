// Models whose layers are rounded to 8 and 4 bits: near the exact ones, and as repeatable.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/create.h"
#include "checkpoint/convert.h"
#include "support/cosine.h"
#include "support/golden_model.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

const std::vector<TokenPath> kEnd = {{}};

struct Loaded {
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<Engine> engine;
};

Loaded Load(const std::string& directory, bool f32, int threads = 2) {
  Loaded out;
  auto checkpoint = Checkpoint::Open(directory);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
  out.checkpoint = std::move(*checkpoint);
  auto backend = CreateBackend({.threads = threads, .f32 = f32});
  auto decoder = Decoder::Create(out.checkpoint->config(), out.checkpoint->lookup(), **backend);
  EXPECT_TRUE(decoder.ok()) << decoder.error().Message();
  out.engine = std::make_unique<Engine>(std::move(*backend), std::move(*decoder), nullptr, EngineOptions{});
  return out;
}

std::vector<float> LogitsOf(Engine& engine, const std::vector<int32_t>& ids) {
  Sequence sequence = engine.NewSequence();
  const auto logits = engine.Run(sequence, {ids, {}, {}}, kEnd);
  EXPECT_TRUE(logits.ok());
  return logits.ok() ? (*logits)[0] : std::vector<float>{};
}

class Quant : public testing::TestWithParam<std::tuple<const char*, QuantFormat>> {};

TEST_P(Quant, StaysNearFloat32AndNeverDependsOnChunksOrThreads) {
  const auto [name, format] = GetParam();
  const test::TempDir dir;
  ConvertOptions options;
  options.input = test::GoldenCheckpoint(name);
  options.output = dir / "converted";
  options.quant = format;
  const auto converted = Convert(options);
  ASSERT_TRUE(converted.ok()) << converted.error().Message();
  const Loaded rounded = Load(options.output, false), widened = Load(options.output, true),
               one_thread = Load(options.output, false, 1);
  const test::LoadedModel exact = test::LoadModel(name, true);
  double worst = 1, worst_widened = 1;
  for (const test::GoldenCase& one : test::GoldenCases(name)) {
    if (!one.images.empty()) continue;
    const std::vector<float> whole = LogitsOf(*rounded.engine, one.ids);
    for (const int chunk : {7, 64}) {
      rounded.engine->set_prefill_chunk(chunk);
      EXPECT_EQ(LogitsOf(*rounded.engine, one.ids), whole) << one.name << " chunk " << chunk;
    }
    rounded.engine->set_prefill_chunk(512);
    EXPECT_EQ(LogitsOf(*one_thread.engine, one.ids), whole) << one.name;
    const std::vector<float> expected = LogitsOf(*exact.engine, one.ids);
    worst = std::min(worst, test::Cosine(whole, expected));
    worst_widened = std::min(worst_widened, test::Cosine(LogitsOf(*widened.engine, one.ids), expected));
  }
  // Random weights, which rounding hurts more than real ones: they have no structure to lose. In a random
  // mixture the smallest difference sends tokens to other experts, so there only the repeatability above is
  // asked for.
  if (std::string(name) != "scout-tiny") {
    const double bar = format == QuantFormat::kQ8 ? 0.999 : 0.95;
    EXPECT_GE(worst, bar);
    EXPECT_GE(worst_widened, bar);
  }
  std::printf("%s %s: cosine %.5f, with float32 activations %.5f\n", name,
              format == QuantFormat::kQ8 ? "q8" : "q4", worst, worst_widened);
}

INSTANTIATE_TEST_SUITE_P(Models, Quant,
                         testing::Combine(testing::Values("lg4-small", "lg3-tiny", "scout-tiny"),
                                          testing::Values(QuantFormat::kQ8, QuantFormat::kQ4)),
                         [](const auto& param) {
                           std::string text = std::get<0>(param.param);
                           std::replace(text.begin(), text.end(), '-', '_');
                           return text + (std::get<1>(param.param) == QuantFormat::kQ8 ? "_q8" : "_q4");
                         });

}  // namespace
}  // namespace gatehouse

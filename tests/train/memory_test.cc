// What a step needs beside weights and optimiser, at the starter's size.
#include <gtest/gtest.h>

#include "train/cpu_operations.h"
#include "train/tape.h"

namespace gatehouse {
namespace {

ModelConfig StarterShape() {
  ModelConfig config;
  config.family = ModelConfig::Family::kLlama;
  config.hidden = 576;
  config.layers = 30;
  config.heads = 9;
  config.kv_heads = 3;
  config.head_dim = 64;
  config.ffn_dense = 1536;
  config.vocab = 49152;
  config.is_moe.assign(30, 0);
  config.uses_rope.assign(30, 1);
  config.chunked.assign(30, 0);
  return config;
}

// Only asked for, not touched: no memory is used. Scratch comes on top (bench/train/step_bench.cc: some 10
// MB).
TEST(TrainMemory, OfAStepOf1024RowsIsWithinItsBar) {
  constexpr int64_t kBar = 1'500'000'000, kScratch = 50'000'000;
  const auto ops = train::CreateCpuOperations({.threads = 1});
  ASSERT_TRUE(ops.ok()) << ops.error().Message();
  for (const bool drops : {false, true}) {
    train::Tape tape;
    ASSERT_TRUE(
        tape.Lay(StarterShape(), {.rows = 1024, .read = 128, .rank = 20, .drops = drops}, **ops).ok());
    EXPECT_LE(tape.bytes(), kBar - kScratch);
    // Each layer keeps its inputs at least.
    EXPECT_GE(tape.bytes(), int64_t{30} * 1024 * (3 * 576 + 2 * 1536) * 4);
  }
}

}  // namespace
}  // namespace gatehouse

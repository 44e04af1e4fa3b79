// What benchmarks say and when: the speeds themselves are the machine's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "benchmark/kernels.h"
#include "benchmark/random_model.h"
#include "benchmark/rounds.h"

namespace gatehouse::benchmark {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Keeps what is printed; `lines` stand on its standard input.
struct FakeConsole {
  std::vector<std::string> said;
  int lines = 0;
  int asked = 0;
  Console console = {[this](std::string_view text) -> Result<void> {
                       said.emplace_back(text);
                       return {};
                     },
                     [this]() -> Result<bool> {
                       ++asked;
                       return lines-- > 0;
                     }};
};

TEST(Rounds, Median) {
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 3, 2}), 3);  // the upper of the two in the middle
}

TEST(Paced, EachRoundWaitsForALine) {
  FakeConsole fake;
  fake.lines = 1;
  Paced paced(true, fake.console);
  ASSERT_TRUE(paced.Ready().ok());
  EXPECT_TRUE(*paced.Wait());
  ASSERT_TRUE(paced.Over(12.34567).ok());
  EXPECT_FALSE(*paced.Wait());
  EXPECT_THAT(fake.said, ElementsAre("{\"ready\":true}\n", "{\"round_ms\":12.346}\n"));
}

TEST(Paced, OffTheyNeitherAskNorSpeak) {
  FakeConsole fake;
  Paced paced(false, fake.console);
  ASSERT_TRUE(paced.Ready().ok());
  EXPECT_TRUE(*paced.Wait());
  ASSERT_TRUE(paced.Over(1).ok());
  EXPECT_THAT(fake.said, IsEmpty());
  EXPECT_EQ(fake.asked, 0);
}

BenchKernelsOptions SmallKernels() {
  return {.kernels = {"f32", "q8"},
          .rows = {1, 9},
          .products = {"32x256"},
          .rounds = 1,
          .threads = 1,
          .json = true};
}

TEST(BenchKernels, ALineForEachKernelAndRows) {
  FakeConsole fake;
  const Result<void> done = BenchKernels(SmallKernels(), fake.console);
  ASSERT_TRUE(done.ok()) << done.error().Message();
  std::vector<std::pair<std::string, int>> measured;
  for (const std::string& line : fake.said) {
    const auto json = nlohmann::json::parse(line);
    measured.emplace_back(json["kernel"].get<std::string>(), json["m"].get<int>());
    EXPECT_GT(json["gops"], 0) << line;
    EXPECT_EQ(json["read_gb_per_s"] > 0, json["m"] == 1) << line;  // few rows are bound by memory
  }
  EXPECT_THAT(measured,
              ElementsAre(std::pair("f32", 1), std::pair("f32", 9), std::pair("q8", 1), std::pair("q8", 9)));
}

// A reader that went away ends the benchmark.
TEST(BenchKernels, WhatCannotBePrintedIsAnError) {
  int printed = 0;
  const Console console = {[&](std::string_view) -> Result<void> {
                             ++printed;
                             return InternalError("nobody reads", "standard output");
                           },
                           {}};
  EXPECT_FALSE(BenchKernels(SmallKernels(), console).ok());
  EXPECT_EQ(printed, 1);
}

TEST(BenchKernels, ProductsAreChecked) {
  for (const char* product :
       {"", "x", "32", "32x", "33x64", "0x64", "-32x64", "32x64x", "32 x64", "2097152x64"}) {
    FakeConsole fake;
    BenchKernelsOptions options = SmallKernels();
    options.products = {product};
    const Result<void> done = BenchKernels(options, fake.console);
    ASSERT_FALSE(done.ok()) << product;
    EXPECT_EQ(done.error().code, ErrorCode::kUsage);
    EXPECT_THAT(fake.said, IsEmpty());
  }
}

TEST(RandomModel, Shapes) {
  EXPECT_EQ(ShapeConfig("llama-guard-4", 0)->layers, 48);
  EXPECT_EQ(ShapeConfig("llama-guard-4", 3)->layers, 3);
  EXPECT_EQ(ShapeConfig("llama-guard-4", 3)->uses_rope.size(), 3u);
  EXPECT_EQ(ShapeConfig("gpt", 1).error().code, ErrorCode::kUsage);
  for (const char* name : {"q8", "q4", "bf16"}) EXPECT_STREQ(WeightsName(FormatOfName(name)), name);
}

// By hand: 576 wide, 9 heads of 64 for queries, 3 for keys and for values, 1536 within the feed-forward
// network.
TEST(RandomModel, LayerProducts) {
  const double keys_values = 2 * 576 * 192, rest = 2 * 576 * 576 + 3 * 576 * 1536;
  const ModelConfig one = *ShapeConfig("smollm2-135m", 1), two = *ShapeConfig("smollm2-135m", 2);
  EXPECT_EQ(LayerProducts(one, 10, 10), 10 * (keys_values + rest));
  EXPECT_EQ(LayerProducts(two, 10, 10), 2 * 10 * (keys_values + rest));
  // Rows that nobody reads leave the last layer once their keys and values are written.
  EXPECT_EQ(LayerProducts(one, 10, 1), 10 * keys_values + rest);
  EXPECT_EQ(LayerProducts(two, 10, 1), 10 * (keys_values + rest) + 10 * keys_values + rest);
}

}  // namespace
}  // namespace gatehouse::benchmark

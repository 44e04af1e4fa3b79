// Models of true size: memory and time of convert, prune and loading. Sources are sparse files (zeros but for
// marks), outputs are real; about 12 GB of disk for a minute.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "checkpoint/convert.h"
#include "checkpoint/prune.h"
#include "checkpoint/small_models.h"
#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::Json;

constexpr const char* kPlace = GATEHOUSE_BUILD_DIR "/large";

Json Config(int layers, int experts) {
  Json config = test::SmallScout();
  Json& text = config["text_config"];
  const Json sizes = {{"hidden_size", 5120},       {"num_hidden_layers", layers},
                      {"num_attention_heads", 40}, {"num_key_value_heads", 8},
                      {"head_dim", 128},           {"intermediate_size", 8192},
                      {"vocab_size", 202048},      {"num_local_experts", experts}};
  text.update(sizes);
  text["intermediate_size_mlp"] = experts > 0 ? 16384 : 8192;
  text["interleave_moe_layer_step"] = experts > 0 ? 1 : 0;
  text["moe_layers"] = Json::array();
  text["no_rope_layers"] = Json::array();
  for (int i = 0; i < layers; ++i) {
    if (experts > 0) text["moe_layers"].push_back(i);
    text["no_rope_layers"].push_back(1);
  }
  return config;
}

// The file that the config calls for, of zeros, with a mark of 64 bytes at the end of each tensor.
std::string Mark(const std::string& name) {
  std::string mark = name;
  mark.resize(64, '.');
  return mark;
}

void WriteSparse(const Json& config, const std::string& directory) {
  Json header = Json::object();
  const auto tensors = test::TensorsOfConfig(config.dump());
  ASSERT_TRUE(tensors.ok());
  std::vector<std::pair<std::string, int64_t>> ends;
  int64_t at = 0;
  for (const test::MadeTensor& tensor : *tensors) {
    int64_t bytes = 2;
    for (int64_t extent : tensor.shape) bytes *= extent;
    header.push_back(
        {tensor.name, {{"dtype", "BF16"}, {"shape", tensor.shape}, {"data_offsets", {at, at + bytes}}}});
    at += bytes;
    if (bytes >= 64) ends.emplace_back(tensor.name, at);
  }
  std::string json = header.dump();
  json.append((8 - json.size() % 8) % 8, ' ');
  const uint64_t size = json.size();
  test::WriteBytes(directory + "/config.json", config.dump());
  const std::string path = directory + "/model.safetensors";
  test::WriteBytes(path, std::string(reinterpret_cast<const char*>(&size), 8) + json);
  fs::resize_file(path, 8 + size + static_cast<uint64_t>(at));
  std::FILE* file = std::fopen(path.c_str(), "r+b");
  ASSERT_NE(file, nullptr);
  for (const auto& [name, end] : ends) {
    ASSERT_EQ(std::fseek(file, static_cast<long>(8 + size) + end - 64, SEEK_SET), 0);
    ASSERT_EQ(std::fwrite(Mark(name).data(), 1, 64, file), 64u);
  }
  ASSERT_EQ(std::fclose(file), 0);
}

double Seconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The largest resident set since the last reset, mapped pages included.
void ResetPeak() { std::ofstream("/proc/self/clear_refs") << 5; }

int64_t PeakMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return -1;
}

class Large : public testing::Test {
 protected:
  void SetUp() override {
    std::error_code code;
    fs::remove_all(kPlace, code);
    fs::create_directories(kPlace);
    ResetPeak();
    if (fs::space(kPlace).available < (uint64_t{20} << 30)) GTEST_SKIP() << "needs 20 GB of disk";
  }
  void TearDown() override {
    std::error_code code;
    fs::remove_all(kPlace, code);
  }
};

TEST_F(Large, ConvertOfEightLayersAndItsLoading) {
  const std::string source = std::string(kPlace) + "/lg4", out = std::string(kPlace) + "/out";
  WriteSparse(Config(8, 0), source);
  Result<void> done;
  const double seconds = Seconds([&] { done = Convert({.input = source, .output = out}); });
  ASSERT_TRUE(done.ok()) << done.error().Message();
  const double gigabytes = static_cast<double>(fs::file_size(out + "/model.gatehouse.safetensors")) * 1e-9;
  std::printf("convert: %.2f GB in %.1f s, peak %ld MB\n", gigabytes, seconds,
              static_cast<long>(PeakMegabytes()));
  EXPECT_GT(gigabytes, 7.0);
  EXPECT_LT(PeakMegabytes(), 1000);
  const double loading = Seconds([&] {
    const auto checkpoint = Checkpoint::Open(out);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
    const auto view = (*checkpoint)->Get("model.layers.7.feed_forward.down_proj.weight", {5120, 8192});
    ASSERT_TRUE(view.ok());
    EXPECT_NE(view->As<PackedPanels>(), nullptr);
  });
  std::printf("load: %.3f s\n", loading);
  EXPECT_LT(loading, 1.0);
}

TEST_F(Large, PruneOfScoutsFullWidth) {
  const std::string source = std::string(kPlace) + "/scout", out = std::string(kPlace) + "/out";
  WriteSparse(Config(2, 16), source);
  Result<void> done;
  const double seconds =
      Seconds([&] { done = Prune({.input = source, .output = out, .max_shard_bytes = int64_t{2} << 30}); });
  ASSERT_TRUE(done.ok()) << done.error().Message();
  std::printf("prune: %.1f GB of source in %.1f s, peak %ld MB\n",
              static_cast<double>(fs::file_size(source + "/model.safetensors")) * 1e-9, seconds,
              static_cast<long>(PeakMegabytes()));
  EXPECT_LT(PeakMegabytes(), 1000);
  const auto pruned = TensorSource::Open(out);
  ASSERT_TRUE(pruned.ok()) << pruned.error().Message();
  for (const auto& [name, view] : pruned->tensors()) {
    if (view.bytes() < 64) continue;
    std::string own = name;
    if (const size_t at = own.find(".feed_forward."); at != std::string::npos)
      own.insert(at + 13, ".shared_expert");
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(view.data) + view.bytes() - 64, 64), Mark(own));
  }
  const auto checkpoint = Checkpoint::Open(out);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
}

}  // namespace
}  // namespace gatehouse

#include "checkpoint/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "checkpoint/small_models.h"
#include "support/checkpoint_maker.h"
#include "support/sha256.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::Json;
using test::Made;
using test::MessageOf;
using testing::Each;
using testing::HasSubstr;

std::map<std::string, Made> ByName(const std::string& directory) {
  std::map<std::string, Made> out;
  for (Made& tensor : test::ReadTensors(directory)) out[tensor.name] = std::move(tensor);
  return out;
}

// The rule of make_golden.py: leave out experts and routers, drop ".shared_expert".
void ExpectPruned(const std::string& scout, const std::string& pruned) {
  const auto before = ByName(scout), after = ByName(pruned);
  size_t kept = 0;
  for (const auto& [name, tensor] : before) {
    if (name.find(".experts.") != std::string::npos || name.find(".router.") != std::string::npos) continue;
    std::string own = name;
    if (const size_t at = own.find(".shared_expert."); at != std::string::npos) own.replace(at, 15, ".");
    ASSERT_EQ(after.count(own), 1u) << own;
    EXPECT_EQ(after.at(own).shape, tensor.shape) << own;
    EXPECT_EQ(after.at(own).dtype, tensor.dtype) << own;
    EXPECT_TRUE(after.at(own).bytes == tensor.bytes) << own;
    ++kept;
  }
  EXPECT_EQ(after.size(), kept);
  EXPECT_EQ(std::system(
                ("cd '" + pruned + "' && sha256sum --quiet --strict -c SHA256SUMS > /dev/null 2>&1").c_str()),
            0);
  EXPECT_FALSE(fs::exists(pruned + "/prune-state.json"));
  // Every file but the sums is in the sums.
  const std::string sums = test::ReadBytes(pruned + "/SHA256SUMS");
  for (const auto& entry : fs::directory_iterator(pruned)) {
    const std::string name = entry.path().filename();
    if (name == "SHA256SUMS") continue;
    EXPECT_THAT(sums, HasSubstr("  " + name + "\n"));
  }
}

TEST(Prune, GivesLlamaGuard4sForm) {
  const test::TempDir directory;
  const std::string scout = *test::CachedCheckpoint("scout-tiny");
  const Result<void> done = Prune({.input = scout, .output = directory / "out"});
  ASSERT_TRUE(done.ok()) << done.error().Message();
  ExpectPruned(scout, directory / "out");
  const auto checkpoint = Checkpoint::Open(directory / "out");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().Message();
  const ModelConfig& config = (*checkpoint)->config();
  EXPECT_EQ(config.experts, 0);
  EXPECT_THAT(config.is_moe, Each(0));
  EXPECT_EQ(config.ffn_dense, 384);
  EXPECT_THAT(config.uses_rope, Each(1));
  EXPECT_EQ(config.attention_chunk, 0);
  EXPECT_EQ(config.rope.kind, RopeScaling::Kind::kLlama3);
  EXPECT_EQ(config.rope.factor, 8.0);
  EXPECT_EQ(config.rope.low_freq_factor, 1.0);
  EXPECT_EQ(config.rope.high_freq_factor, 4.0);
  EXPECT_EQ(config.rope.original_max_position, 8192);
  EXPECT_EQ(config.max_position, 8192);
  const Json text = Json::parse(test::ReadBytes(directory / "out/config.json"))["text_config"];
  EXPECT_TRUE(text["attention_chunk_size"].is_null());
  EXPECT_EQ(text["num_local_experts"], 0);
  EXPECT_EQ(text["moe_layers"], Json::array());
  EXPECT_EQ(text["interleave_moe_layer_step"], 0);
  EXPECT_EQ(text["no_rope_layers"], Json(std::vector<int>(8, 1)));
}

TEST(Prune, KeepsScoutsAttentionWhereAsked) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  ASSERT_TRUE(
      Prune({.input = directory / "scout", .output = directory / "out", .keep_attention = true}).ok());
  ExpectPruned(directory / "scout", directory / "out");
  Json before = Json::parse(test::ReadBytes(directory / "scout/config.json")),
       after = Json::parse(test::ReadBytes(directory / "out/config.json"));
  for (const char* key :
       {"moe_layers", "num_local_experts", "interleave_moe_layer_step", "intermediate_size_mlp"}) {
    before["text_config"].erase(key);
    after["text_config"].erase(key);
  }
  EXPECT_EQ(before, after);  // all else, vision included, as it was
}

TEST(Prune, NewRopeSpelling) {
  Json config = test::SmallScout();
  Json& text = config["text_config"];
  text["rope_parameters"] = text["rope_scaling"];
  text["rope_parameters"]["rope_theta"] = 250000.0;
  text.erase("rope_scaling");
  text.erase("rope_theta");
  text["layer_types"] = {"chunked_attention", "full_attention"};
  const auto out = PrunedConfig(config.dump(), "config.json", false);
  ASSERT_TRUE(out.ok()) << out.error().Message();
  const auto pruned = ParseModelConfig(*out, "config.json");
  EXPECT_EQ(pruned->rope_theta, 250000.0);
  EXPECT_EQ(pruned->rope.factor, 8.0);
  EXPECT_EQ(pruned->rope.original_max_position, 8192);
  EXPECT_THAT(pruned->chunked, Each(0));
  EXPECT_FALSE(Json::parse(*out)["text_config"].contains("rope_scaling"));
}

// llm-compressor's layout: each expert's matrices on their own, [out, in].
TEST(Prune, ReadsUnfusedExperts) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "fused");
  std::vector<Made> tensors;
  for (Made& tensor : test::ReadTensors(directory / "fused")) {
    if (tensor.name.find(".experts.") == std::string::npos) tensors.push_back(std::move(tensor));
  }
  for (const int layer : {0, 1}) {
    for (const int expert : {0, 1, 2}) {
      const std::string prefix = "language_model.model.layers." + std::to_string(layer) +
                                 ".feed_forward.experts." + std::to_string(expert) + ".";
      tensors.push_back({prefix + "gate_proj.weight", DType::kBF16, {36, 40}, std::string(2880, 'g')});
      tensors.push_back({prefix + "up_proj.weight", DType::kBF16, {36, 40}, std::string(2880, 'u')});
      tensors.push_back({prefix + "down_proj.weight", DType::kBF16, {40, 36}, std::string(2880, 'd')});
    }
  }
  test::WriteTensors(directory / "unfused/model.safetensors", tensors);
  test::WriteBytes(directory / "unfused/config.json", test::ReadBytes(directory / "fused/config.json"));
  const Result<void> done = Prune({.input = directory / "unfused", .output = directory / "out"});
  ASSERT_TRUE(done.ok()) << done.error().Message();
  ExpectPruned(directory / "unfused", directory / "out");
  ASSERT_TRUE(Prune({.input = directory / "fused", .output = directory / "other"}).ok());
  EXPECT_EQ(test::Sha256OfFile(directory / "out/model.safetensors"),
            test::Sha256OfFile(directory / "other/model.safetensors"));
}

TEST(Prune, WritesShardsAndAnIndex) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  test::WriteBytes(directory / "scout/tokenizer.json", "t");
  ASSERT_TRUE(
      Prune({.input = directory / "scout", .output = directory / "out", .max_shard_bytes = 10000}).ok());
  ExpectPruned(directory / "scout", directory / "out");
  EXPECT_TRUE(fs::exists(directory / "out/model.safetensors.index.json"));
  EXPECT_EQ(test::ReadBytes(directory / "out/tokenizer.json"), "t");
  for (const auto& entry : fs::directory_iterator(directory / "out"))
    EXPECT_LT(fs::file_size(entry), 30000u) << entry.path();
}

// A process that ends in the midst of a shard; the next one goes on and ends with the same files.
TEST(Prune, GoesOnAfterAKill) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  const PruneOptions options = {
      .input = directory / "scout", .output = directory / "out", .max_shard_bytes = 10000};
  for (const int64_t share : {4, 2}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)Prune(options, [&](int64_t done, int64_t total) {
        if (done > total / share) ::_exit(9);
      });
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 9);
  }
  EXPECT_TRUE(fs::exists(directory / "out/prune-state.json"));
  // Whole shards are not written again: their times stay.
  std::string first;
  for (const auto& entry : fs::directory_iterator(directory / "out")) {
    if (entry.path().filename().string().starts_with("model-00001-of-")) first = entry.path();
  }
  ASSERT_FALSE(first.empty());
  const auto written = fs::last_write_time(first);

  // Other options are another run.
  PruneOptions other = options;
  other.keep_attention = true;
  EXPECT_THAT(MessageOf(Prune(other)), HasSubstr("interrupted run of another model"));

  const Result<void> done = Prune(options);
  ASSERT_TRUE(done.ok()) << done.error().Message();
  EXPECT_EQ(fs::last_write_time(first), written);
  ExpectPruned(directory / "scout", directory / "out");
}

TEST(Prune, WritesAgainAShardThatWasDamaged) {
  const test::TempDir directory;
  test::WriteModel(test::SmallScout(), directory / "scout");
  const PruneOptions options = {
      .input = directory / "scout", .output = directory / "out", .max_shard_bytes = 10000};
  const pid_t child = ::fork();
  if (child == 0) {
    (void)Prune(options, [&](int64_t done, int64_t total) {
      if (done > total / 2) ::_exit(9);
    });
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  for (const auto& entry : fs::directory_iterator(directory / "out")) {
    if (entry.path().filename().string().starts_with("model-00001-of-"))
      test::WriteBytes(entry.path(), "damaged");
  }
  ASSERT_TRUE(Prune(options).ok());
  ExpectPruned(directory / "scout", directory / "out");
}

TEST(Prune, RefusesWhatIsNoSuchMixture) {
  const test::TempDir directory;
  const std::string out = directory / "out";
  test::WriteModel(test::SmallLlama4(), directory / "dense");
  EXPECT_THAT(MessageOf(Prune({.input = directory / "dense", .output = out})),
              HasSubstr("0 of 2 layers with experts"));
  test::WriteModel(test::SmallLlama(false), directory / "llama");
  EXPECT_THAT(MessageOf(Prune({.input = directory / "llama", .output = out})),
              HasSubstr("not a mixture like Llama 4 Scout"));
  Json maverick = test::SmallScout();
  maverick["text_config"]["moe_layers"] = {1};
  test::WriteModel(maverick, directory / "maverick");
  EXPECT_THAT(MessageOf(Prune({.input = directory / "maverick", .output = out})), HasSubstr("1 of 2 layers"));
  EXPECT_THAT(MessageOf(Prune({.input = directory / "none", .output = out})), HasSubstr("config.json"));
  test::WriteModel(test::SmallScout(), directory / "scout");
  test::CopyRenamed(directory / "scout", directory / "cut", [](const std::string& name) {
    return name.find("0.feed_forward.shared_expert.up_proj") != std::string::npos ? std::string() : name;
  });
  EXPECT_THAT(MessageOf(Prune({.input = directory / "cut", .output = out})), HasSubstr("tensor missing"));
  test::WriteBytes(directory / "mine/file", "x");
  EXPECT_THAT(MessageOf(Prune({.input = directory / "scout", .output = directory / "mine"})),
              HasSubstr("output exists"));
  EXPECT_THAT(MessageOf(Prune({.input = directory / "scout", .output = ""})), HasSubstr("no output"));
  EXPECT_THAT(MessageOf(Prune({.input = directory / "scout", .output = out, .max_shard_bytes = 0})),
              HasSubstr("shard size"));
  EXPECT_FALSE(fs::exists(out));
}

}  // namespace
}  // namespace gatehouse

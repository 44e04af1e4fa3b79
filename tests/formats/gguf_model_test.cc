#include "formats/gguf_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/log.h"
#include "support/gguf_maker.h"

namespace gatehouse {
namespace {

using test::GgufMaker;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Floats(size_t count, float value) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out.append(reinterpret_cast<const char*>(&value), 4);
  return out;
}

// Llama's keys with one changed: SmolLM2's shape in small.
struct Keys {
  uint32_t hidden = 32, layers = 2, heads = 4, kv = 2, ffn = 64, vocab = 10;
  float epsilon = 1e-5f, base = 1e5f;
  uint32_t context = 8192;
  std::string architecture = "llama";
};

GgufMaker Model(const Keys& keys) {
  GgufMaker maker;
  maker.Text("general.architecture", keys.architecture)
      .U32("llama.embedding_length", keys.hidden)
      .U32("llama.block_count", keys.layers);
  maker.U32("llama.attention.head_count", keys.heads)
      .U32("llama.attention.head_count_kv", keys.kv)
      .U32("llama.feed_forward_length", keys.ffn);
  maker.F32("llama.attention.layer_norm_rms_epsilon", keys.epsilon)
      .F32("llama.rope.freq_base", keys.base)
      .U32("llama.context_length", keys.context);
  maker.U32("tokenizer.ggml.bos_token_id", 1)
      .U32("tokenizer.ggml.eos_token_id", 2)
      .U32("tokenizer.ggml.eot_token_id", 5);
  maker.Tensor("token_embd.weight", 0, {keys.hidden, keys.vocab},
               Floats(size_t{keys.hidden} * keys.vocab, 0.5f));
  return maker;
}

Result<ModelConfig> Config(const GgufMaker& maker) {
  const std::string bytes = maker.Bytes();
  const auto file = GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "f.gguf");
  EXPECT_TRUE(file.ok()) << file.error().Message();
  if (!file.ok()) return file.error();
  return ModelConfigFromGguf(*file);
}

TEST(GgufModel, ReadsTheConfiguration) {
  const auto config = Config(Model({}));
  ASSERT_TRUE(config.ok()) << config.error().Message();
  EXPECT_EQ(config->family, ModelConfig::Family::kLlama);
  EXPECT_EQ(config->hidden, 32);
  EXPECT_EQ(config->layers, 2);
  EXPECT_EQ(config->head_dim, 8);
  EXPECT_EQ(config->kv_heads, 2);
  EXPECT_EQ(config->ffn_dense, 64);
  EXPECT_EQ(config->vocab, 10);
  EXPECT_TRUE(config->tied);
  EXPECT_EQ(config->rope_theta, 1e5);
  EXPECT_EQ(config->rope.kind, RopeScaling::Kind::kNone);
  EXPECT_EQ(config->bos, 1);
  EXPECT_THAT(config->eos, ElementsAre(2, 5));
  EXPECT_THAT(config->uses_rope, ElementsAre(1, 1));
  EXPECT_TRUE(config->rope_divisors.empty());
}

TEST(GgufModel, RopeFrequenciesAndHeads) {
  GgufMaker maker = Model({});
  maker.Tensor("rope_freqs.weight", 0, {4}, Floats(4, 8.0f));
  maker.Tensor("output.weight", 0, {32, 10}, Floats(320, 0.5f));
  const auto config = Config(maker);
  ASSERT_TRUE(config.ok()) << config.error().Message();
  EXPECT_THAT(config->rope_divisors, ElementsAre(8.0f, 8.0f, 8.0f, 8.0f));
  EXPECT_FALSE(config->tied);
}

TEST(GgufModel, LinearScaling) {
  EXPECT_EQ(Config(Model({}).Text("llama.rope.scaling.type", "linear").F32("llama.rope.scaling.factor", 4.0f))
                ->rope.factor,
            4.0);
  // llama.cpp's default type, where there is a factor.
  const auto untyped = Config(Model({}).F32("llama.rope.scaling.factor", 8.0f));
  EXPECT_EQ(untyped->rope.kind, RopeScaling::Kind::kLinear);
  EXPECT_EQ(untyped->rope.factor, 8.0);
  const auto old = Config(Model({}).F32("llama.rope.scale_linear", 2.0f));
  EXPECT_EQ(old->rope.kind, RopeScaling::Kind::kLinear);
  EXPECT_EQ(old->rope.factor, 2.0);
}

TEST(GgufModel, RefusesByKey) {
  const auto message = [](const GgufMaker& maker) {
    const auto config = Config(maker);
    return config.ok() ? std::string("no error") : config.error().Message();
  };
  EXPECT_THAT(message(Model({.architecture = "llama4"})), HasSubstr("unknown architecture"));
  EXPECT_THAT(message(GgufMaker()), HasSubstr("general.architecture"));
  EXPECT_THAT(message(Model({.heads = 0})), HasSubstr("head_count"));
  EXPECT_THAT(message(Model({.layers = 0})), HasSubstr("block_count"));
  EXPECT_THAT(message(Model({.layers = 100000})), HasSubstr("block_count"));
  EXPECT_THAT(message(Model({.heads = 4, .kv = 3})), HasSubstr("contradicting head counts"));
  EXPECT_THAT(message(Model({.epsilon = 0.0f})), HasSubstr("epsilon"));
  EXPECT_THAT(message(Model({.epsilon = std::numeric_limits<float>::quiet_NaN()})), HasSubstr("epsilon"));
  EXPECT_THAT(message(Model({}).U32("llama.expert_count", 8)), HasSubstr("expert_count"));
  EXPECT_THAT(message(Model({}).U32("llama.rope.dimension_count", 4)), HasSubstr("dimension_count"));
  EXPECT_THAT(message(Model({}).U32("llama.attention.key_length", 7)), HasSubstr("contradicting"));
  EXPECT_THAT(message(Model({}).Text("llama.rope.scaling.type", "yarn")), HasSubstr("'yarn'"));
  EXPECT_THAT(message(Model({}).Tensor("rope_freqs.weight", 0, {3}, Floats(3, 1))), HasSubstr("rope_freqs"));
  EXPECT_THAT(message(Model({}).Tensor("rope_freqs.weight", 0, {4}, Floats(4, 0))), HasSubstr("positive"));
}

// Files from before converters wrote rope_freqs: their context and base say Llama 3.1 or 3.2.
TEST(GgufModel, Llama31WithoutItsScaling) {
  std::string logged;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view message) { logged += message; });
  const auto read = [&](float base, uint32_t context, bool divisors) {
    logged.clear();
    Keys keys;
    keys.base = base;
    keys.context = context;
    GgufMaker maker = Model(keys);
    if (divisors) maker.Tensor("rope_freqs.weight", 0, {4}, Floats(4, 8.0f));
    EXPECT_TRUE(Config(maker).ok());
    return logged;
  };
  EXPECT_THAT(read(5e5f, 131072, false), HasSubstr("rope_freqs.weight"));
  EXPECT_THAT(read(5e5f, 131072, false), HasSubstr("Llama 3.1"));
  EXPECT_EQ(read(5e5f, 131072, true), "");
  EXPECT_EQ(read(5e5f, 8192, false), "");    // Llama 3
  EXPECT_EQ(read(1e5f, 131072, false), "");  // another model
  SetLogSink(LogLevel::kOff, {});
}

TEST(GgufModel, KeysThatWouldChangeTheNetwork) {
  const auto message = [](const GgufMaker& maker) {
    const auto config = Config(maker);
    return config.ok() ? std::string("no error") : config.error().Message();
  };
  EXPECT_THAT(message(Model({}).F32("llama.logit_scale", 0.5f)), HasSubstr("llama.logit_scale"));
  EXPECT_THAT(message(Model({}).U32("llama.attention.sliding_window", 512)), HasSubstr("sliding_window"));
  EXPECT_THAT(message(Model({}).Bool("llama.attention.causal", false)), HasSubstr("causal"));
  EXPECT_EQ(message(Model({}).F32("llama.logit_scale", 1.0f).U32("llama.expert_count", 0)), "no error");
  EXPECT_THAT(message(Model({}).U32("general.quantization_version", 1)), HasSubstr("quantization_version"));
  EXPECT_EQ(message(Model({}).U32("general.quantization_version", 2)), "no error");
  EXPECT_THAT(message(Model({}).Text("general.type", "adapter")), HasSubstr("--adapter"));
  EXPECT_THAT(message(Model({}).Text("general.type", "mmproj")), HasSubstr("vision encoder"));
  EXPECT_EQ(message(Model({}).Text("general.type", "model")), "no error");
}

TEST(GgufModel, OtherTokenizersAreNamed) {
  const auto message = [](GgufMaker maker) {
    const std::string bytes = maker.Texts("tokenizer.ggml.tokens", {"a"}).Bytes();
    const auto read = ReadGgufTokenizer(*GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "f.gguf"));
    return read.ok() ? "no error" : read.error().Message();
  };
  EXPECT_THAT(message(GgufMaker().Text("tokenizer.ggml.model", "llama")), HasSubstr("SentencePiece"));
  EXPECT_THAT(message(GgufMaker().Text("tokenizer.ggml.model", "bert")), HasSubstr("WordPiece"));
  EXPECT_THAT(message(GgufMaker().Text("tokenizer.ggml.model", "odd")), HasSubstr("'odd'"));
  EXPECT_THAT(message(GgufMaker()), HasSubstr("tokenizer.ggml.model"));
  const auto gpt2 = [] { return GgufMaker().Text("tokenizer.ggml.model", "gpt2"); };
  EXPECT_EQ(message(gpt2()), "no error");
  EXPECT_EQ(message(gpt2().Bool("tokenizer.ggml.add_bos_token", true)), "no error");
  EXPECT_EQ(message(gpt2().Bool("tokenizer.ggml.add_space_prefix", false)), "no error");
  EXPECT_THAT(message(gpt2().Bool("tokenizer.ggml.add_space_prefix", true)), HasSubstr("add_space_prefix"));
  std::string logged;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view text) { logged += text; });
  EXPECT_EQ(message(gpt2().U32("tokenizer.ggml.novelty", 1)), "no error");
  SetLogSink(LogLevel::kOff, {});
  EXPECT_THAT(logged, HasSubstr("tokenizer.ggml.novelty"));
}

// The converter's own reordering, and our way back.
TEST(GgufModel, RotaryRowsComeBackInOrder) {
  for (const int64_t head_dim : {2, 8, 64}) {
    const int64_t heads = 3, cols = 2;
    std::vector<float> rows(static_cast<size_t>(heads * head_dim * cols));
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i);
    const std::vector<float> stored = test::ToRotaryOrder(rows, head_dim, cols);
    for (int64_t row = 0; row < heads * head_dim; ++row) {
      const int64_t from = GgufRopeRow(row, head_dim);
      ASSERT_TRUE(from >= 0 && from < heads * head_dim);
      EXPECT_EQ(stored[static_cast<size_t>(from * cols)], rows[static_cast<size_t>(row * cols)]);
    }
  }
}

TEST(GgufModel, Tokenizer) {
  GgufMaker maker = Model({});
  maker.Text("tokenizer.ggml.model", "gpt2")
      .Text("tokenizer.ggml.pre", "smollm")
      .Texts("tokenizer.ggml.tokens", {"a", "b", "ab"});
  maker.I32s("tokenizer.ggml.token_type", {1, 1, 3}).Texts("tokenizer.ggml.merges", {"a b"});
  const std::string bytes = maker.Bytes();
  const auto file = GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "f.gguf");
  ASSERT_TRUE(file.ok()) << file.error().Message();
  const auto tokenizer = ReadGgufTokenizer(*file);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().Message();
  EXPECT_EQ(tokenizer->pre, "smollm");
  EXPECT_THAT(tokenizer->tokens, ElementsAre("a", "b", "ab"));
  EXPECT_THAT(tokenizer->merges, ElementsAre("a b"));
  EXPECT_THAT(tokenizer->token_types, ElementsAre(1, 1, 3));
  EXPECT_EQ(tokenizer->bos, 1);
  const std::string none = Model({}).Bytes();
  EXPECT_FALSE(ReadGgufTokenizer(*GgufFile::FromBytes(std::as_bytes(std::span(none)), "f.gguf")).ok());
}

// The published SmolLM2-135M-Instruct, where GATEHOUSE_SMOLLM2_GGUF names its file.
TEST(GgufModel, SmolLm2) {
  const char* path = std::getenv("GATEHOUSE_SMOLLM2_GGUF");
  if (path == nullptr || !std::filesystem::exists(path))
    GTEST_SKIP() << "GATEHOUSE_SMOLLM2_GGUF does not name a file";
  const auto file = GgufFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.error().Message();
  const auto config = ModelConfigFromGguf(*file);
  ASSERT_TRUE(config.ok()) << config.error().Message();
  EXPECT_EQ(config->hidden, 576);
  EXPECT_EQ(config->layers, 30);
  EXPECT_EQ(config->heads, 9);
  EXPECT_EQ(config->kv_heads, 3);
  EXPECT_EQ(config->ffn_dense, 1536);
  EXPECT_EQ(config->vocab, 49152);
  EXPECT_EQ(config->rope_theta, 100000.0);
  EXPECT_TRUE(config->tied);
  const auto tokenizer = ReadGgufTokenizer(*file);
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->tokens.size(), 49152u);
  EXPECT_EQ(tokenizer->pre, "smollm");
}

}  // namespace
}  // namespace gatehouse

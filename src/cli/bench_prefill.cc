#include "cli/bench_prefill.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "backend/cpu_backend.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "engine/engine.h"

namespace gatehouse::cli {
namespace {

Result<ModelConfig> ShapeConfig(const std::string& shape) {
  ModelConfig config;
  if (shape == "llama-guard-4") {
    config.family = ModelConfig::Family::kLlama4;
    config.hidden = 5120;
    config.layers = 48;
    config.heads = 40;
    config.kv_heads = 8;
    config.head_dim = 128;
    config.ffn_dense = config.ffn_expert = 8192;
    config.vocab = 202048;
    config.qk_norm = true;
  } else if (shape == "smollm2-135m") {
    config.family = ModelConfig::Family::kLlama;
    config.hidden = 576;
    config.layers = 30;
    config.heads = 9;
    config.kv_heads = 3;
    config.head_dim = 64;
    config.ffn_dense = config.ffn_expert = 1536;
    config.vocab = 49152;
  } else {
    return UsageError("unknown shape", "--shape", "llama-guard-4 or smollm2-135m", shape);
  }
  return config;
}

// Random bf16 weights in anonymous memory.
class RandomWeights {
 public:
  explicit RandomWeights(ThreadPool& pool) : pool_(pool) {}

  Result<WeightView> Make(const Shape& shape, bool packed) {
    const bool matrix = shape.size() == 2;
    WeightView view;
    view.rows = matrix ? shape[0] : 1;
    view.cols = matrix ? shape[1] : shape[0];
    view.packed = packed && matrix;
    const int64_t values = (view.rows + 31) / 32 * 32 * ((view.cols + 1) / 2 * 2);
    const size_t bytes = static_cast<size_t>(values) * 2;
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return Error{ErrorCode::kInternal, "out of memory", "random weights", {}, {}};
    view.owner = std::shared_ptr<const void>(
        memory, [bytes](const void* at) { ::munmap(const_cast<void*>(at), bytes); });
    auto* bits = static_cast<uint16_t*>(memory);
    constexpr int64_t kBlock = 1 << 20;
    const uint64_t seed = ++made_;
    pool_.For((values + kBlock - 1) / kBlock, [&](int64_t block, int) {
      uint64_t state =
          seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(block) * 0xBF58476D1CE4E5B9ull + 1;
      for (int64_t i = block * kBlock; i < std::min(values, (block + 1) * kBlock); ++i) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // A random sign and mantissa, magnitudes from 2^-7 to 2^-6: as large as real weights are.
        bits[i] = static_cast<uint16_t>((state & 0x807Fu) | 0x3C00u);
      }
    });
    view.tensor = {DType::kBF16, {view.rows, view.cols}, reinterpret_cast<const std::byte*>(memory)};
    return view;
  }

 private:
  ThreadPool& pool_;
  uint64_t made_ = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

Result<void> BenchPrefill(const BenchPrefillOptions& options) {
  GATEHOUSE_ASSIGN(ModelConfig config, ShapeConfig(options.shape));
  if (options.layers > 0) config.layers = options.layers;
  config.is_moe.assign(static_cast<size_t>(config.layers), 0);
  config.uses_rope.assign(static_cast<size_t>(config.layers), 1);
  config.chunked.assign(static_cast<size_t>(config.layers), 0);

  GATEHOUSE_ASSIGN(std::unique_ptr<Backend> backend,
                   CreateCpuBackend({.threads = options.threads, .f32 = options.f32}));
  Backend& device = *backend;
  ThreadPool pool(ThreadPool::DefaultThreads());
  RandomWeights weights(pool);
  double products = 0.0;  // multiply-adds a token
  const WeightLookup lookup = [&](const std::string& name, const Shape& shape) -> Result<WeightView> {
    const bool embedding = name == "model.embed_tokens.weight";
    if (shape.size() == 2 && !embedding && name != "lm_head.weight")
      products += static_cast<double>(shape[0] * shape[1]);
    return weights.Make(shape, !embedding);
  };
  GATEHOUSE_ASSIGN(std::unique_ptr<Decoder> decoder, Decoder::Create(config, lookup, device));
  Engine engine(std::move(backend), std::move(decoder), nullptr,
                {.scheduler = {.prefill_chunk = options.tokens}});

  TokenInput input;
  for (int i = 0; i < options.tokens; ++i) input.ids.push_back((i * 7919 + 11) % config.vocab);
  // Products, attention over the causal half, and the head for the last token.
  const double tokens = options.tokens;
  const double operations = 2.0 * products * tokens +
                            2.0 * tokens * tokens * config.heads * config.head_dim * config.layers +
                            2.0 * static_cast<double>(config.vocab) * config.hidden;
  const std::vector<TokenPath> end = {{}};
  std::vector<double> seconds, peaks, shares;
  for (int round = 0; round <= options.rounds; ++round) {  // the first one warms up
    const double peak = device.MeasurePeak();
    Sequence sequence = engine.NewSequence();
    const auto begin = std::chrono::steady_clock::now();
    GATEHOUSE_TRY(engine.Run(sequence, input, end));
    const double time = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (round == 0) continue;
    seconds.push_back(time);
    peaks.push_back(peak);
    shares.push_back(operations / time / peak);
  }
  const double time = Median(seconds);
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"prefill\",\"shape\":\"{}\",\"layers\":{},\"tokens\":{},\"kernel\":\"{}\",\"ms\":{:.2f}"
        ","
        "\"tokens_per_s\":{:.1f},\"gops\":{:.1f},\"peak\":{:.1f},\"share\":{:.4f}}}\n",
        options.shape, config.layers, options.tokens, device.Describe(), time * 1e3, tokens / time,
        operations / time / 1e9, Median(peaks) / 1e9, Median(shares));
  } else {
    fmt::print("prefill of {} tokens, {} with {} layers, random weights\n{}; {}\n", options.tokens,
               options.shape, config.layers, CpuModelName(), device.Describe());
    fmt::print("  time      {:10.2f} ms (median of {} rounds)\n  speed     {:10.1f} tokens/s\n", time * 1e3,
               options.rounds, tokens / time);
    fmt::print(
        "  products  {:10.1f} Gop/s\n  peak      {:10.1f} Gop/s (register-only loop, same run)\n  share     "
        "{:10.1f} %\n",
        operations / time / 1e9, Median(peaks) / 1e9, 100.0 * Median(shares));
  }
  return {};
}

}  // namespace gatehouse::cli

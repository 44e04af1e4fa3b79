#include "cli/bench_prefill.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "backend/cpu_backend.h"
#include "base/cpu.h"
#include "base/thread_pool.h"
#include "cli/bench_model.h"
#include "engine/engine.h"

namespace gatehouse::cli {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

Result<void> BenchPrefill(const BenchPrefillOptions& options) {
  GATEHOUSE_ASSIGN(const ModelConfig config, ShapeConfig(options.shape, options.layers));

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
    if (options.quant && shape.size() == 2 && name.rfind("model.layers.", 0) == 0)
      return weights.MakeQuant(shape, *options.quant);
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
    const double peak = device.MeasurePeak(options.quant);
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
  const char* weights_name = !options.quant ? "bf16" : *options.quant == QuantFormat::kQ8 ? "q8" : "q4";
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"prefill\",\"weights\":\"{}\",\"shape\":\"{}\",\"layers\":{},\"tokens\":{},\"kernel\":"
        "\"{}\",\"ms\":{:.2f}"
        ","
        "\"tokens_per_s\":{:.1f},\"gops\":{:.1f},\"peak\":{:.1f},\"share\":{:.4f}}}\n",
        weights_name, options.shape, config.layers, options.tokens, device.Describe(), time * 1e3,
        tokens / time, operations / time / 1e9, Median(peaks) / 1e9, Median(shares));
  } else {
    fmt::print("prefill of {} tokens, {} with {} layers, random {} weights\n{}; {}\n", options.tokens,
               options.shape, config.layers, weights_name, CpuModelName(), device.Describe());
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

#include "benchmark/prefill.h"

#include <fmt/core.h>

#include <vector>

#include "backend/create.h"
#include "base/cpu.h"
#include "base/error.h"
#include "benchmark/random_model.h"
#include "benchmark/rounds.h"
#include "checkpoint/weights.h"
#include "engine/engine.h"

namespace gatehouse::benchmark {

namespace {

// What is measured.
struct Subject {
  ModelConfig config;
  std::unique_ptr<Decoder> decoder;
  std::optional<QuantFormat> quant;  // of the layers' products
  std::string name;
};

Result<Subject> LoadModel(const std::string& path, Backend& device) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path));
  Subject out;
  out.config = checkpoint->config();
  out.name = path.substr(path.find_last_of('/', path.size() - 2) + 1);
  const WeightLookup lookup = [&, find = checkpoint->lookup()](const TensorSpec& spec) -> Result<WeightView> {
    GATEHOUSE_ASSIGN(WeightView view, find(spec));
    if (const auto* rounded = view.As<RoundedPanels>()) out.quant = rounded->format;
    return view;
  };
  GATEHOUSE_ASSIGN(out.decoder, Decoder::Create(out.config, lookup, device));
  return out;
}

Result<Subject> MakeShape(const BenchPrefillOptions& options, Backend& device) {
  Subject out;
  GATEHOUSE_ASSIGN(out.config, ShapeConfig(options.shape, options.layers));
  out.quant = options.quant;
  out.name = options.shape;
  GATEHOUSE_ASSIGN(out.decoder, RandomDecoder(out.config, out.quant, device));
  return out;
}

}  // namespace

Result<void> BenchPrefill(const BenchPrefillOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(std::unique_ptr<Backend> backend,
                   CreateBackend({.device = options.device, .threads = options.threads, .f32 = options.f32}));
  Backend& device = *backend;
  GATEHOUSE_ASSIGN(Subject subject,
                   options.model.empty() ? MakeShape(options, device) : LoadModel(options.model, device));
  const ModelConfig& config = subject.config;
  Engine engine(std::move(backend), std::move(subject.decoder), nullptr, {.prefill_chunk = options.tokens});

  TokenInput input;
  for (int i = 0; i < options.tokens; ++i) input.ids.push_back((i * 7919 + 11) % config.vocab);
  // Products, attention over the causal half, and the head for the last token, which alone goes through all
  // of the last layer.
  const double tokens = options.tokens;
  const double operations = 2.0 * LayerProducts(config, tokens, 1) +
                            2.0 * tokens * tokens * config.heads * config.head_dim * (config.layers - 1) +
                            2.0 * static_cast<double>(config.vocab) * config.hidden;
  const std::vector<TokenPath> end = {{}};
  std::vector<double> seconds, peaks, shares;
  Paced paced(options.paced, console);
  GATEHOUSE_TRY(paced.Ready());
  for (int round = 0; round <= options.rounds; ++round) {  // the first one warms up
    GATEHOUSE_ASSIGN(const bool more, paced.Wait());
    if (!more) break;
    const double peak = device.MeasurePeak(subject.quant);
    Sequence sequence = engine.NewSequence();
    const Clock::time_point begin = Clock::now();
    GATEHOUSE_TRY(engine.Run(sequence, input, end));
    const double time = SecondsSince(begin);
    GATEHOUSE_TRY(paced.Over(time * 1e3));
    if (round == 0) continue;
    seconds.push_back(time);
    peaks.push_back(peak);
    shares.push_back(operations / time / peak);
  }
  if (seconds.empty())
    return UsageError("no round was measured", "standard input", "a line a round", "its end");
  const double time = Median(seconds);
  const char* const weights_name = WeightsName(subject.quant);
  if (options.json) {
    GATEHOUSE_TRY(console.print(JsonObject()
                                    .Add("bench", "prefill")
                                    .Add("weights", weights_name)
                                    .Add("shape", subject.name)
                                    .Add("layers", config.layers)
                                    .Add("tokens", options.tokens)
                                    .Add("kernel", device.Describe())
                                    .AddRounded("ms", time * 1e3, 2)
                                    .AddRounded("tokens_per_s", tokens / time, 1)
                                    .AddRounded("gops", operations / time / 1e9, 1)
                                    .AddRounded("peak", Median(peaks) / 1e9, 1)
                                    .AddRounded("share", Median(shares), 4)
                                    .Text() +
                                "\n"));
  } else {
    GATEHOUSE_TRY(console.Print("prefill of {} tokens, {} with {} layers, {} weights\n{}; {}\n",
                                options.tokens, subject.name, config.layers, weights_name, CpuModelName(),
                                device.Describe()));
    GATEHOUSE_TRY(
        console.Print("  time      {:10.2f} ms (median of {} rounds)\n  speed     {:10.1f} tokens/s\n",
                      time * 1e3, options.rounds, tokens / time));
    GATEHOUSE_TRY(console.Print(
        "  products  {:10.1f} Gop/s\n  peak      {:10.1f} Gop/s (register-only loop, same run)\n  share     "
        "{:10.1f} %\n",
        operations / time / 1e9, Median(peaks) / 1e9, 100.0 * Median(shares)));
  }
  return {};
}

}  // namespace gatehouse::benchmark

#include "benchmark/vision.h"

#include <fmt/core.h>

#include <vector>

#include "backend/create.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "benchmark/random_model.h"
#include "benchmark/rounds.h"
#include "model/vision.h"

namespace gatehouse::benchmark {
namespace {

VisionConfig LlamaGuard4Vision(int layers) {
  VisionConfig vision;
  vision.present = true;
  vision.hidden = 1408;
  vision.layers = layers;
  vision.heads = 16;
  vision.ffn = 5632;
  vision.image_size = 336;
  vision.patch_size = 14;
  vision.output = vision.projector_input = vision.projector_output = 4096;
  return vision;
}

// Two for each multiply-add of one tile's products and attention.
double TileOperations(const VisionConfig& vision, int text_hidden) {
  const double hidden = vision.hidden;
  const int side = vision.image_size / vision.patch_size;  // in patches
  const double grid = side;
  const double rows = grid * grid + 1, tokens = grid * grid / 4;
  const double patch = static_cast<double>(vision.channels) * vision.patch_size * vision.patch_size;
  const double layer = rows * (4 * hidden * hidden + 2 * hidden * vision.ffn) + 2 * rows * rows * hidden;
  const double adapter = tokens * (4 * hidden * vision.projector_input +
                                   static_cast<double>(vision.projector_input) * vision.projector_output +
                                   static_cast<double>(vision.output) * text_hidden);
  return 2.0 * (vision.layers * layer + grid * grid * patch * hidden + adapter);
}

}  // namespace

Result<void> BenchVision(const BenchVisionOptions& options, const Console& console) {
  GATEHOUSE_ASSIGN(const std::unique_ptr<Backend> device,
                   CreateBackend({.device = options.device, .threads = options.threads}));
  GATEHOUSE_ASSIGN(ModelConfig config, ShapeConfig("llama-guard-4", 1));
  config.vision = LlamaGuard4Vision(options.layers);
  ThreadPool pool(ThreadPool::DefaultThreads());
  RandomWeights weights(pool);
  const WeightLookup lookup = [&](const TensorSpec& spec) -> Result<WeightView> {
    const bool is_product = spec.role == TensorSpec::Role::kLinear;
    if (options.quant && is_product && spec.id.layer >= 0)
      return weights.MakeQuant(spec.shape, *options.quant);
    return weights.Make(spec.shape, is_product);
  };
  GATEHOUSE_ASSIGN(const std::unique_ptr<VisionEncoder> encoder,
                   VisionEncoder::Create(config, lookup, *device));

  const int64_t tile_values = static_cast<int64_t>(3) * encoder->tile_size() * encoder->tile_size();
  std::vector<float> pixels(static_cast<size_t>(options.tiles * tile_values));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i * 37 % 255) / 127.5f - 1.0f;
  const int64_t rows = static_cast<int64_t>(options.tiles) * encoder->tokens_per_tile();
  GATEHOUSE_ASSIGN(const std::unique_ptr<DeviceBuffer> memory, device->Allocate(rows * config.hidden));
  const double operations = options.tiles * TileOperations(config.vision, config.hidden);

  std::vector<double> seconds, peaks, shares;
  for (int round = 0; round <= options.rounds; ++round) {  // the first one warms up
    const double peak = device->MeasurePeak(options.quant);
    const Clock::time_point begin = Clock::now();
    GATEHOUSE_TRY(encoder->Encode(pixels, options.tiles, {memory.get(), 0, rows, config.hidden}));
    const double time = SecondsSince(begin);
    if (round == 0) continue;
    seconds.push_back(time);
    peaks.push_back(peak);
    shares.push_back(operations / time / peak);
  }
  const char* const weights_name = WeightsName(options.quant);
  const double time = Median(seconds), gops = operations / time / 1e9;
  if (options.json) {
    GATEHOUSE_TRY(console.print(JsonObject()
                                    .Add("bench", "vision")
                                    .Add("weights", weights_name)
                                    .Add("layers", options.layers)
                                    .Add("tiles", options.tiles)
                                    .Add("kernel", device->Describe())
                                    .AddRounded("ms", time * 1e3, 1)
                                    .AddRounded("gops", gops, 1)
                                    .AddRounded("peak", Median(peaks) / 1e9, 1)
                                    .AddRounded("share", Median(shares), 4)
                                    .Text() +
                                "\n"));
  } else {
    GATEHOUSE_TRY(
        console.Print("{} tiles through {} layers of Llama Guard 4's image tower, {} weights\n{}; {}\n",
                      options.tiles, options.layers, weights_name, CpuModelName(), device->Describe()));
    GATEHOUSE_TRY(
        console.Print("  time      {:10.1f} ms (median of {} rounds)\n  speed     {:10.1f} Gop/s\n"
                      "  peak      {:10.1f} Gop/s (register-only loop, same run)\n  share     {:10.1f} %\n",
                      time * 1e3, options.rounds, gops, Median(peaks) / 1e9, 100.0 * Median(shares)));
  }
  return {};
}

}  // namespace gatehouse::benchmark

#include "benchmark/random_model.h"

#include <sys/mman.h>

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "kernels/quant/quant.h"

namespace gatehouse::benchmark {

Result<ModelConfig> ShapeConfig(const std::string& shape, int layers) {
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
  if (layers > 0) config.layers = layers;
  config.is_moe.assign(static_cast<size_t>(config.layers), 0);
  config.uses_rope.assign(static_cast<size_t>(config.layers), 1);
  config.chunked.assign(static_cast<size_t>(config.layers), 0);
  return config;
}

// Rounded weights: every byte is one, and scales make them as large as real ones.
Result<WeightView> RandomWeights::MakeQuant(const Shape& shape, QuantFormat format) {
  WeightView view;
  view.rows = shape[0];
  view.cols = shape[1];
  const int64_t panels = (view.rows + 31) / 32;
  const int64_t values = panels * QuantPanelBytes(format, view.cols);
  const int64_t scales = panels * QuantGroups(view.cols) * 32;
  // Memory for both, filled as halves of BF16 numbers are; the scales are written over theirs.
  GATEHOUSE_ASSIGN(WeightView memory, Make({1, (values + 4 * scales) / 2 + 64}, false));
  auto* bytes = const_cast<std::byte*>(memory.tensor().data);
  const int64_t at = (values + 63) / 64 * 64;
  auto* numbers = reinterpret_cast<float*>(bytes + at);
  const float scale = format == QuantFormat::kQ8 ? 1.0f / 8192 : 1.0f / 512;
  for (int64_t i = 0; i < scales; ++i) numbers[i] = scale;
  view.storage = RoundedPanels{
      format, /*transformed=*/true, {DType::kU8, {values}, bytes}, {DType::kF32, {scales}, bytes + at}};
  view.owner = memory.owner;
  return view;
}

Result<WeightView> RandomWeights::Make(const Shape& shape, bool packed) {
  const bool matrix = shape.size() == 2;
  WeightView view;
  view.rows = matrix ? shape[0] : 1;
  view.cols = matrix ? shape[1] : shape[0];
  const bool panels = packed && matrix;
  // Only panels are padded: 32 times a single row would not fit in memory.
  const int64_t rows = panels ? (view.rows + 31) / 32 * 32 : view.rows;
  const int64_t values = rows * ((view.cols + 1) / 2 * 2);
  const size_t bytes = static_cast<size_t>(values) * 2;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return OutOfMemory("random weights");
  view.owner = std::shared_ptr<const void>(
      memory, [bytes](const void* at) { ::munmap(const_cast<void*>(at), bytes); });
  auto* bits = static_cast<uint16_t*>(memory);
  constexpr int64_t kBlock = 1 << 20;
  const uint64_t seed = ++made_;
  pool_.For((values + kBlock - 1) / kBlock, [&](int64_t block, int) {
    uint64_t state = seed * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(block) * 0xBF58476D1CE4E5B9ull + 1;
    for (int64_t i = block * kBlock; i < std::min(values, (block + 1) * kBlock); ++i) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      // A random sign and mantissa, magnitudes from 2^-7 to 2^-6: as large as real weights are.
      bits[i] = static_cast<uint16_t>((state & 0x807Fu) | 0x3C00u);
    }
  });
  const TensorView tensor{DType::kBF16, {view.rows, view.cols}, reinterpret_cast<const std::byte*>(memory)};
  if (panels) {
    view.storage = PackedPanels{tensor};
  } else {
    view.storage = PlainRows{tensor};
  }
  return view;
}

Result<std::unique_ptr<Decoder>> RandomDecoder(const ModelConfig& config, std::optional<QuantFormat> format,
                                               Backend& backend) {
  ThreadPool pool(ThreadPool::DefaultThreads());
  RandomWeights weights(pool);
  const WeightLookup lookup = [&](const TensorSpec& spec) -> Result<WeightView> {
    if (format && spec.may_round) return weights.MakeQuant(spec.shape, *format);
    return weights.Make(spec.shape, spec.role == TensorSpec::Role::kLinear);
  };
  return Decoder::Create(config, lookup, backend);
}

double LayerProducts(const ModelConfig& config, double rows, double read) {
  double total = 0;
  for (int layer = 0; layer < config.layers; ++layer) {
    const double keys_and_values = 2.0 * config.hidden * config.kv_heads * config.head_dim;
    const double queries_and_output = 2.0 * config.hidden * config.heads * config.head_dim;
    const bool moe = config.is_moe[static_cast<size_t>(layer)] != 0;
    // Beside its experts an expert layer has a shared one, and the router.
    const double width = moe ? (1.0 + config.experts_per_token) * config.ffn_expert : config.ffn_dense;
    const double feed_forward = config.hidden * (3.0 * width + (moe ? config.experts : 0));
    total += keys_and_values * rows +
             (queries_and_output + feed_forward) * (layer + 1 == config.layers ? read : rows);
  }
  return total;
}

const char* WeightsName(std::optional<QuantFormat> format) {
  return !format ? "bf16" : *format == QuantFormat::kQ8 ? "q8" : "q4";
}

std::optional<QuantFormat> FormatOfName(const std::string& name) {
  if (name == "q8") return QuantFormat::kQ8;
  if (name == "q4") return QuantFormat::kQ4;
  return {};
}

}  // namespace gatehouse::benchmark

#include "model/rope.h"

#include <cmath>
#include <numbers>

namespace gatehouse {
namespace {

// Llama 3's scaling: long waves are stretched by `factor`, short ones stay, those between are mixed.
float ScaleLlama3(float frequency, const RopeScaling& scaling) {
  const float original = static_cast<float>(scaling.original_max_position);
  const float factor = static_cast<float>(scaling.factor);
  const float low = static_cast<float>(scaling.low_freq_factor);
  const float high = static_cast<float>(scaling.high_freq_factor);
  const float wavelength = static_cast<float>(2.0 * std::numbers::pi) / frequency;
  if (wavelength > original / low) return frequency / factor;
  // With low = high the band between is empty, and this line also guards the division below.
  if (wavelength < original / high || high == low) return frequency;
  const float smooth = (original / wavelength - low) / (high - low);
  return (1.0f - smooth) * (frequency / factor) + smooth * frequency;
}

}  // namespace

std::vector<float> RopeFrequencies(const ModelConfig& config) {
  std::vector<float> out;
  for (int i = 0; i < config.head_dim / 2; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(config.head_dim);
    float frequency = 1.0f / std::pow(static_cast<float>(config.rope_theta), exponent);
    if (config.rope.kind == RopeScaling::Kind::kLlama3) frequency = ScaleLlama3(frequency, config.rope);
    if (config.rope.kind == RopeScaling::Kind::kLinear) frequency /= static_cast<float>(config.rope.factor);
    // GGUF files carry the scaling as divisors, one a pair.
    if (!config.rope_divisors.empty()) frequency /= config.rope_divisors[static_cast<size_t>(i)];
    out.push_back(frequency);
  }
  return out;
}

void RopeTables(std::span<const int32_t> positions, std::span<const float> frequencies,
                std::vector<float>* cos, std::vector<float>* sin) {
  cos->clear();
  sin->clear();
  for (int32_t position : positions) {
    for (float frequency : frequencies) {
      const float angle = static_cast<float>(position) * frequency;
      cos->push_back(std::cos(angle));
      sin->push_back(std::sin(angle));
    }
  }
}

void VisionRopeTables(int grid, int head_dim, float theta, std::vector<float>* cos, std::vector<float>* sin) {
  const int half = head_dim / 2;  // pairs of a head; half of them for each axis
  const int axis = half / 2;
  cos->clear();
  sin->clear();
  for (int patch = 0; patch < grid * grid; ++patch) {
    for (int pair = 0; pair < half; ++pair) {
      const int place = pair < axis ? patch % grid + 1 : patch / grid + 1;
      const float exponent = static_cast<float>(2 * (pair % axis)) / static_cast<float>(half);
      const float angle = static_cast<float>(place) * (1.0f / std::pow(theta, exponent));
      cos->push_back(std::cos(angle));
      sin->push_back(std::sin(angle));
    }
  }
  cos->insert(cos->end(), static_cast<size_t>(half), 1.0f);
  sin->insert(sin->end(), static_cast<size_t>(half), 0.0f);
}

float TemperatureAt(int32_t position, const ModelConfig& config) {
  const float steps =
      std::floor((static_cast<float>(position) + 1.0f) / static_cast<float>(config.floor_scale));
  return std::log1p(steps) * static_cast<float>(config.attn_scale) + 1.0f;
}

}  // namespace gatehouse

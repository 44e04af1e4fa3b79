// Rotation angles of rotary position embeddings, in float32 as the reference computes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/model_config.h"

namespace gatehouse {

// One frequency per pair of a head, [head_dim / 2], with the config's rope scaling applied.
std::vector<float> RopeFrequencies(const ModelConfig& config);

// cos and sin of position * frequency, [positions][frequencies].
void RopeTables(std::span<const int32_t> positions, std::span<const float> frequencies,
                std::vector<float>* cos, std::vector<float>* sin);

// What multiplies queries of layers without positions: attention there grows vague in long contexts, and
// Llama 4 sharpens it so.
float TemperatureAt(int32_t position, const ModelConfig& config);

// The vision encoder's two-dimensional form for a grid x grid image with the class token last:
// [grid * grid + 1][head_dim / 2]; the first half of the pairs rotates by column + 1, the second by row + 1.
void VisionRopeTables(int grid, int head_dim, float theta, std::vector<float>* cos, std::vector<float>* sin);

}  // namespace gatehouse

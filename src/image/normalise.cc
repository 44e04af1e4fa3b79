#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "image/image.h"

namespace gatehouse {
namespace {

// Rounds to the nearest bfloat16, ties to even (finite values only).
float RoundToBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

// The reference computes x * (1/255), then minus 0.5, then by 0.5, and rounds each result to bfloat16.
std::array<float, 256> MakeTable() {
  std::array<float, 256> table = {};
  for (size_t level = 0; level < table.size(); ++level) {
    const float scaled = RoundToBf16(static_cast<float>(level) * (1.0f / 255.0f));
    table[level] = RoundToBf16(RoundToBf16(scaled - 0.5f) / 0.5f);
  }
  return table;
}

void Normalise(std::span<const uint8_t> levels, std::span<float> out) {
  static const std::array<float, 256> kTable = MakeTable();
  const size_t count = levels.size() < out.size() ? levels.size() : out.size();
  for (size_t k = 0; k < count; ++k) out[k] = kTable[levels[k]];
}

}  // namespace

void NormaliseTiles(const TileSet& tiles, std::span<float> out) { Normalise(tiles.levels, out); }

void NormaliseTile(const TileSet& tiles, int tile, std::span<float> out) {
  const size_t size = tiles.levels.size() / static_cast<size_t>(tiles.tiles);
  Normalise(std::span(tiles.levels).subspan(static_cast<size_t>(tile) * size, size), out);
}

}  // namespace gatehouse

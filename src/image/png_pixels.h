// Raw PNG samples, as the file has them, as RGB with alpha.
//
//   const PngPixels pixels(context, header);
//   pixels.WriteRow(row, kWholeRows, AlphaMode::kWhite, header.width, out);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <spng.h>

#include "image/image.h"

namespace gatehouse {

// The columns of one pass of an interlaced image.
struct PngPass {
  size_t start;
  size_t step;
};
inline constexpr PngPass kWholeRows = {0, 1};
inline constexpr std::array<PngPass, 7> kAdam7 = {{{0, 8}, {4, 8}, {0, 4}, {2, 4}, {0, 2}, {1, 2}, {0, 1}}};

class PngPixels {
 public:
  PngPixels(spng_ctx* context, const spng_ihdr& header);

  // Writes the pixels of one raw row to their columns. out: [width][3].
  void WriteRow(const uint8_t* row, const PngPass& pass, AlphaMode alpha, size_t width, uint8_t* out) const;
  // The same with the alpha kept. out: [width][4].
  void WriteRgbaRow(const uint8_t* row, const PngPass& pass, size_t width, uint8_t* out) const;

 private:
  struct Rgba {
    std::array<uint8_t, 3> rgb = {0, 0, 0};
    uint8_t alpha = 255;
  };
  Rgba Read(const uint8_t* row, size_t x) const;
  uint32_t Sample(const uint8_t* row, size_t index) const;
  uint8_t Level(uint32_t sample) const;
  Rgba Grey(uint32_t sample, uint8_t alpha) const;

  spng_ihdr header_;
  spng_trns key_ = {};
  bool has_key_ = false;
  std::array<Rgba, 256> palette_ = {};
};

}  // namespace gatehouse

#include "image/png_pixels.h"

#include <cstring>

#include "image/codecs.h"

namespace gatehouse {

PngPixels::PngPixels(spng_ctx* context, const spng_ihdr& header) : header_(header) {
  has_key_ = spng_get_trns(context, &key_) == 0;
  spng_plte palette = {};
  if (header.color_type != SPNG_COLOR_TYPE_INDEXED || spng_get_plte(context, &palette) != 0) return;
  // Indices past the palette's end show black.
  for (uint32_t k = 0; k < palette.n_entries && k < palette_.size(); ++k) {
    palette_[k].rgb = {palette.entries[k].red, palette.entries[k].green, palette.entries[k].blue};
    if (has_key_ && k < key_.n_type3_entries) palette_[k].alpha = key_.type3_alpha[k];
  }
}

void PngPixels::WriteRow(const uint8_t* row, const PngPass& pass, AlphaMode alpha, size_t width,
                         uint8_t* out) const {
  size_t index = 0;
  for (size_t x = pass.start; x < width; x += pass.step, ++index) {
    const Rgba pixel = Read(row, index);
    for (size_t channel = 0; channel < 3; ++channel) {
      const uint8_t level = pixel.rgb[channel];
      out[3 * x + channel] = alpha == AlphaMode::kWhite ? OverWhite(level, pixel.alpha) : level;
    }
  }
}

void PngPixels::WriteRgbaRow(const uint8_t* row, const PngPass& pass, size_t width, uint8_t* out) const {
  size_t index = 0;
  for (size_t x = pass.start; x < width; x += pass.step, ++index) {
    const Rgba pixel = Read(row, index);
    std::memcpy(out + 4 * x, pixel.rgb.data(), 3);
    out[4 * x + 3] = pixel.alpha;
  }
}

// Pixel x of a raw row (samples as the file has them, 16 bits big-endian).
PngPixels::Rgba PngPixels::Read(const uint8_t* row, size_t x) const {
  switch (header_.color_type) {
    case SPNG_COLOR_TYPE_INDEXED:
      return palette_[Sample(row, x)];
    case SPNG_COLOR_TYPE_GRAYSCALE: {
      const uint32_t sample = Sample(row, x);
      return Grey(sample, has_key_ && sample == key_.gray ? 0 : 255);
    }
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
      return Grey(Sample(row, 2 * x), Level(Sample(row, 2 * x + 1)));
    case SPNG_COLOR_TYPE_TRUECOLOR: {
      const std::array<uint32_t, 3> samples = {Sample(row, 3 * x), Sample(row, 3 * x + 1),
                                               Sample(row, 3 * x + 2)};
      const bool hidden =
          has_key_ && samples[0] == key_.red && samples[1] == key_.green && samples[2] == key_.blue;
      return {{Level(samples[0]), Level(samples[1]), Level(samples[2])},
              static_cast<uint8_t>(hidden ? 0 : 255)};
    }
    default:  // SPNG_COLOR_TYPE_TRUECOLOR_ALPHA
      return {{Level(Sample(row, 4 * x)), Level(Sample(row, 4 * x + 1)), Level(Sample(row, 4 * x + 2))},
              Level(Sample(row, 4 * x + 3))};
  }
}

uint32_t PngPixels::Sample(const uint8_t* row, size_t index) const {
  const uint32_t depth = header_.bit_depth;
  if (depth == 8) return row[index];
  if (depth == 16) return uint32_t{row[2 * index]} << 8 | row[2 * index + 1];
  const size_t bit = index * depth;
  return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

// A sample of any depth as 8 bits: the high byte of 16, fewer bits stretched to 0..255 (exact: 255 is a
// multiple).
uint8_t PngPixels::Level(uint32_t sample) const {
  const uint32_t depth = header_.bit_depth;
  if (depth == 16) return static_cast<uint8_t>(sample >> 8);
  return static_cast<uint8_t>(sample * (255u / ((1u << depth) - 1)));
}

PngPixels::Rgba PngPixels::Grey(uint32_t sample, uint8_t alpha) const {
  const uint8_t level = Level(sample);
  return {{level, level, level}, alpha};
}

}  // namespace gatehouse

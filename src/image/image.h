// From the bytes of an image file to the tiles that a Llama 4 vision encoder sees.
//
//   GATEHOUSE_ASSIGN(RgbImage image, DecodeImage(bytes, "cat.jpg", options));
//   GATEHOUSE_ASSIGN(TileSet tiles, MakeTiles(image, {}));
//   NormaliseTiles(tiles, pixel_values);   // f32 [tiles, 3, 336, 336]
//
// docs/images.md says what is read, and how.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct RgbImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // [height][width][3]
};

enum class AlphaMode { kDrop, kWhite };  // drop as the reference does, or composite on white

struct DecodeOptions {
  size_t max_bytes = 20u << 20;     // of the encoded file
  int64_t max_pixels = 64ll << 20;  // width * height, checked before allocation
  AlphaMode alpha = AlphaMode::kDrop;
  bool apply_exif = true;  // rotate and mirror as the EXIF orientation says
};

// Decodes a still JPEG, PNG, WebP or GIF, told apart by content. 16 bits a channel keep the high byte. Errors
// (kBadInput, naming `name`): an animation (with its number of frames), another format (named where it is a
// known one), truncated or corrupt data, over a limit (of `options`, or a side of more than 2^20 pixels).
Result<RgbImage> DecodeImage(std::string_view bytes, const std::string& name, const DecodeOptions& options);

// Takes one picture; an error ends the decoding and becomes its result.
using FrameSink = std::function<Result<void>(RgbImage)>;

// Decodes `most` frames of an animated GIF, WebP or PNG, spread evenly, the first and the last among them, or
// all where there are no more; each as a viewer shows it, on the whole canvas. A still image has one. Gives
// them to `sink` in order and returns how many the file has. Errors: as DecodeImage's (most 0: an animation
// is one), and damage anywhere up to the last of those frames; and an animation whose frames together are
// over 16 times max_pixels.
Result<int64_t> DecodeFrames(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                             int most, const FrameSink& sink);

struct TileOptions {
  int tile = 336;
  int max_tiles = 16;
};

// The image cut into rows x cols tiles (row-major), then, when there is more than one, the global tile.
struct TileSet {
  int rows = 0;
  int cols = 0;
  int tile = 336;
  int tiles = 0;                // rows * cols, + 1 when that is more than 1
  std::vector<uint8_t> levels;  // [tiles][3][tile][tile], 8-bit
};

Result<TileSet> MakeTiles(const RgbImage& image, const TileOptions& options);

// 8-bit levels to [-1, 1] with the reference's bfloat16 rounding. out: f32 [tiles][3][tile][tile].
void NormaliseTiles(const TileSet& tiles, std::span<float> out);
// The same for one tile. out: f32 [3][tile][tile].
void NormaliseTile(const TileSet& tiles, int tile, std::span<float> out);

}  // namespace gatehouse

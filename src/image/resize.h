// Bilinear resize with antialias on 8-bit levels, bit for bit what the reference's image library computes:
// width first, then height, each pass with integer weights and rounded to 8 bits.
//
//   RgbImage small = Resize(image, 336, 336);
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "image/image.h"

namespace gatehouse {

// The integer weights of one pass from n_in to n_out samples.
struct ResizeWeights {
  struct Window {
    int first = 0;      // first input sample
    int count = 0;      // input samples used
    size_t offset = 0;  // of its weights in `weights`
  };
  int precision = 0;             // weights are multiples of 2^-precision
  std::vector<Window> windows;   // [n_out]
  std::vector<int16_t> weights;  // each window padded with a zero to an even count
};
ResizeWeights MakeResizeWeights(int n_in, int n_out);

struct ImageSize {
  int width = 0;
  int height = 0;
};

// The image in several sizes (each side at least 1; the image not empty). The image is read once for all of
// them.
std::vector<RgbImage> ResizeAll(const RgbImage& image, std::span<const ImageSize> sizes);

RgbImage Resize(const RgbImage& image, int width, int height);

}  // namespace gatehouse

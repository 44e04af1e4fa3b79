#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "image/resize_rows.h"

namespace gatehouse {
namespace {

// The window of output sample `index`, and its weights in double, unscaled.
ResizeWeights::Window FindWindow(int n_in, int n_out, int index, std::vector<double>& weights) {
  const double scale = static_cast<double>(n_in) / n_out;
  const double support = std::max(scale, 1.0);
  const double inverse = scale >= 1 ? 1 / scale : 1.0;
  const double centre = scale * (index + 0.5);
  ResizeWeights::Window window;
  window.first = static_cast<int>(std::max<int64_t>(static_cast<int64_t>(centre - support + 0.5), 0));
  const auto end = std::min<int64_t>(static_cast<int64_t>(centre + support + 0.5), n_in);
  window.count = static_cast<int>(end - window.first);
  weights.resize(static_cast<size_t>(window.count));
  double sum = 0;
  for (int k = 0; k < window.count; ++k) {
    const double weight = std::max(0.0, 1.0 - std::fabs((k + window.first - centre + 0.5) * inverse));
    weights[static_cast<size_t>(k)] = weight;
    sum += weight;
  }
  if (sum != 0) {
    for (double& weight : weights) weight /= sum;
  }
  return window;
}

// The smallest precision at which the largest weight still needs 16 bits with one bit more; weights fit
// int16_t.
int FindPrecision(double largest) {
  constexpr int kMost = 22;
  for (int precision = 0; precision < kMost; ++precision) {
    if (static_cast<int64_t>(0.5 + largest * static_cast<double>(int64_t{1} << (precision + 1))) >= 1 << 15) {
      return precision;
    }
  }
  return kMost;
}

// One image in the making of the width pass.
struct WidthPass {
  ResizeWeights weights;
  RgbImage out;
};

WidthPass StartWidthPass(const RgbImage& image, int width) {
  WidthPass pass;
  pass.weights = MakeResizeWeights(image.width, width);
  pass.out.width = width;
  pass.out.height = image.height;
  pass.out.rgb.resize(static_cast<size_t>(width) * image.height * 3);
  return pass;
}

// Two rows at a time for every pass, so that a row comes from memory once.
void RunWidthPasses(const RgbImage& image, std::span<WidthPass> passes) {
  std::vector<uint8_t> spare;  // where the partner of a last single row goes
  for (int y = 0; y < image.height; y += 2) {
    const bool single = y + 1 == image.height;
    const uint8_t* first = image.rgb.data() + size_t{3} * image.width * y;
    const uint8_t* const rows[2] = {first, single ? first : first + size_t{3} * image.width};
    for (WidthPass& pass : passes) {
      const size_t stride = size_t{3} * pass.out.width;
      uint8_t* out = pass.out.rgb.data() + stride * y;
      if (single) spare.resize(stride);
      uint8_t* const outs[2] = {out, single ? spare.data() : out + stride};
      ResizeTwoRows(pass.weights, rows, static_cast<size_t>(image.width), outs);
    }
  }
}

RgbImage ResizeHeight(const RgbImage& image, int height) {
  const ResizeWeights weights = MakeResizeWeights(image.height, height);
  const size_t stride = size_t{3} * image.width;
  RgbImage out;
  out.width = image.width;
  out.height = height;
  out.rgb.resize(stride * height);
  for (int y = 0; y < height; ++y) {
    const ResizeWeights::Window& window = weights.windows[static_cast<size_t>(y)];
    MixRows(image.rgb.data() + stride * window.first, stride, weights.weights.data() + window.offset,
            window.count, weights.precision, out.rgb.data() + stride * y);
  }
  return out;
}

}  // namespace

ResizeWeights MakeResizeWeights(int n_in, int n_out) {
  ResizeWeights result;
  result.windows.resize(static_cast<size_t>(n_out));
  std::vector<double> window_weights;
  // Two rounds, since all windows share the precision that the largest weight allows.
  double largest = 0;
  size_t total = 0;
  for (int index = 0; index < n_out; ++index) {
    ResizeWeights::Window& window = result.windows[static_cast<size_t>(index)];
    window = FindWindow(n_in, n_out, index, window_weights);
    window.offset = total;
    total += static_cast<size_t>(window.count + window.count % 2);
    for (const double weight : window_weights) largest = std::max(largest, weight);
  }
  result.precision = FindPrecision(largest);
  result.weights.resize(total);
  const double unit = static_cast<double>(int64_t{1} << result.precision);
  for (int index = 0; index < n_out; ++index) {
    FindWindow(n_in, n_out, index, window_weights);
    int16_t* out = result.weights.data() + result.windows[static_cast<size_t>(index)].offset;
    for (const double weight : window_weights) *out++ = static_cast<int16_t>(weight * unit + 0.5);
  }
  return result;
}

std::vector<RgbImage> ResizeAll(const RgbImage& image, std::span<const ImageSize> sizes) {
  std::vector<WidthPass> passes;
  for (const ImageSize& size : sizes) {
    if (size.width != image.width) passes.push_back(StartWidthPass(image, size.width));
  }
  RunWidthPasses(image, passes);
  std::vector<RgbImage> results;
  auto pass = passes.begin();
  for (const ImageSize& size : sizes) {
    // A side that does not change is left alone, not filtered.
    const bool same_height = size.height == image.height;
    if (size.width == image.width) {
      results.push_back(same_height ? image : ResizeHeight(image, size.height));
    } else {
      results.push_back(same_height ? std::move(pass->out) : ResizeHeight(pass->out, size.height));
      ++pass;
    }
  }
  return results;
}

RgbImage Resize(const RgbImage& image, int width, int height) {
  const ImageSize size = {width, height};
  return std::move(ResizeAll(image, {&size, 1}).front());
}

}  // namespace gatehouse

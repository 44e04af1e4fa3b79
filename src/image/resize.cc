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

RgbImage ResizeWidth(const RgbImage& image, int width) {
  const ResizeWeights weights = MakeResizeWeights(image.width, width);
  RgbImage out;
  out.width = width;
  out.height = image.height;
  out.rgb.resize(static_cast<size_t>(width) * image.height * 3);
  for (int y = 0; y < image.height; ++y) {
    ResizeRow(weights, image.rgb.data() + size_t{3} * image.width * y, static_cast<size_t>(image.width),
              out.rgb.data() + size_t{3} * width * y);
  }
  return out;
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

RgbImage Resize(const RgbImage& image, int width, int height) {
  if (width == image.width && height == image.height) return image;
  if (width == image.width) return ResizeHeight(image, height);
  if (height == image.height) return ResizeWidth(image, width);
  return ResizeHeight(ResizeWidth(image, width), height);
}

}  // namespace gatehouse

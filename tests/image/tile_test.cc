// Canvas choice against a table made in Python, and the resize against the formula written out in plain
// loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "image/image.h"
#include "image/resize.h"
#include "image/resize_rows.h"
#include "image/tile_fit.h"
#include "image_test_util.h"

namespace gatehouse {
namespace {

RgbImage RandomImage(int width, int height, uint32_t seed) {
  std::mt19937 random(seed);
  RgbImage image;
  image.width = width;
  image.height = height;
  image.rgb.resize(static_cast<size_t>(width) * height * 3);
  // Many extreme levels, so that clamping and rounding are met.
  for (uint8_t& level : image.rgb) {
    const auto draw = random();
    level = draw % 3 == 0 ? static_cast<uint8_t>(draw >> 31 ? 255 : 0) : static_cast<uint8_t>(draw >> 8);
  }
  return image;
}

TEST(TileFitTest, CanvasAndSizeAsTheTable) {
  const auto rows = nlohmann::json::parse(image_test::ReadAll(image_test::FixturePath("canvases.json")));
  ASSERT_GT(rows.size(), 1000u);
  for (const auto& row : rows) {
    const int width = row[0];
    const int height = row[1];
    const Canvas canvas = ChooseCanvas(width, height, {});
    const ImageSize size = FitToCanvas(width, height, canvas, 336);
    EXPECT_EQ((std::vector<int>{width, height, canvas.rows, canvas.cols, size.width, size.height}),
              row.get<std::vector<int>>());
  }
}

// One pass over a line of samples, by the definition: weights in double, then integers of one precision.
std::vector<int> PassByDefinition(const std::vector<int>& line, int n_out) {
  const int n_in = static_cast<int>(line.size());
  const double scale = static_cast<double>(n_in) / n_out;
  const double support = std::max(scale, 1.0);
  const double inverse = scale >= 1 ? 1 / scale : 1;
  std::vector<int> firsts;
  std::vector<std::vector<double>> windows;
  double largest = 0;
  for (int out = 0; out < n_out; ++out) {
    const double centre = scale * (out + 0.5);
    const int first = std::max(static_cast<int>(std::trunc(centre - support + 0.5)), 0);
    const int count = std::min(static_cast<int>(std::trunc(centre + support + 0.5)), n_in) - first;
    std::vector<double> window;
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      window.push_back(std::max(0.0, 1 - std::abs((k + first - centre + 0.5) * inverse)));
      sum += window.back();
    }
    for (double& weight : window) {
      weight /= sum;
      largest = std::max(largest, weight);
    }
    firsts.push_back(first);
    windows.push_back(window);
  }
  int precision = 0;
  while (precision < 22 && std::trunc(0.5 + largest * std::pow(2.0, precision + 1)) < 32768) ++precision;
  std::vector<int> result;
  for (int out = 0; out < n_out; ++out) {
    const std::vector<double>& window = windows[static_cast<size_t>(out)];
    int64_t sum = 0;
    for (size_t k = 0; k < window.size(); ++k) {
      const auto weight = static_cast<int64_t>(std::trunc(window[k] * std::pow(2.0, precision) + 0.5));
      sum += weight * line[static_cast<size_t>(firsts[static_cast<size_t>(out)]) + k];
    }
    sum = (sum + (int64_t{1} << (precision - 1))) >> precision;
    result.push_back(static_cast<int>(std::clamp<int64_t>(sum, 0, 255)));
  }
  return result;
}

RgbImage ResizeByDefinition(const RgbImage& image, int width, int height) {
  RgbImage wide;
  wide.width = width;
  wide.height = image.height;
  wide.rgb.resize(static_cast<size_t>(width) * image.height * 3);
  RgbImage out;
  out.width = width;
  out.height = height;
  out.rgb.resize(static_cast<size_t>(width) * height * 3);
  for (int channel = 0; channel < 3; ++channel) {
    const auto at = [&](const RgbImage& where, int x, int y) {
      return (static_cast<size_t>(y) * where.width + x) * 3 + channel;
    };
    for (int y = 0; y < image.height; ++y) {
      std::vector<int> line;
      for (int x = 0; x < image.width; ++x) line.push_back(image.rgb[at(image, x, y)]);
      if (width != image.width) line = PassByDefinition(line, width);
      for (int x = 0; x < width; ++x)
        wide.rgb[at(wide, x, y)] = static_cast<uint8_t>(line[static_cast<size_t>(x)]);
    }
    for (int x = 0; x < width; ++x) {
      std::vector<int> line;
      for (int y = 0; y < image.height; ++y) line.push_back(wide.rgb[at(wide, x, y)]);
      if (height != image.height) line = PassByDefinition(line, height);
      for (int y = 0; y < height; ++y)
        out.rgb[at(out, x, y)] = static_cast<uint8_t>(line[static_cast<size_t>(y)]);
    }
  }
  return out;
}

TEST(ResizeTest, EqualToTheDefinition) {
  std::mt19937 random(7);
  for (uint32_t round = 0; round < 150; ++round) {
    const int width = 1 + static_cast<int>(random() % 70);
    const int height = 1 + static_cast<int>(random() % 70);
    const int new_width = round % 5 == 0 ? width : 1 + static_cast<int>(random() % 90);
    const int new_height = round % 7 == 0 ? height : 1 + static_cast<int>(random() % 90);
    const RgbImage image = RandomImage(width, height, round);
    const RgbImage small = Resize(image, new_width, new_height);
    ASSERT_EQ(small.rgb, ResizeByDefinition(image, new_width, new_height).rgb)
        << width << "x" << height << " to " << new_width << "x" << new_height;
  }
}

// One window over thousands of samples: the precision reaches its end and the sums come near 2^30.
TEST(ResizeTest, LongLinesDoNotOverflow) {
  RgbImage image = RandomImage(5000, 1, 1);
  EXPECT_EQ(Resize(image, 2, 1).rgb, ResizeByDefinition(image, 2, 1).rgb);
  std::fill(image.rgb.begin(), image.rgb.end(), uint8_t{255});
  EXPECT_EQ(Resize(image, 3, 1).rgb, std::vector<uint8_t>(9, 255));
  image.width = 1;
  image.height = 5000;
  EXPECT_EQ(Resize(image, 1, 3).rgb, std::vector<uint8_t>(9, 255));
}

TEST(ResizeTest, PortableLoopsGiveTheSame) {
  for (const int width : {3, 17, 64, 257}) {
    const RgbImage image = RandomImage(width, 21, 3);
    for (const int new_width : {1, 5, 40, 300}) {
      const ResizeWeights weights = MakeResizeWeights(width, new_width);
      const size_t stride = size_t{3} * new_width;
      std::vector<uint8_t> both(2 * stride);
      std::vector<uint8_t> portable(2 * stride);
      const uint8_t* const rows[2] = {image.rgb.data(), image.rgb.data() + size_t{3} * width};
      uint8_t* const outs[2] = {both.data(), both.data() + stride};
      ResizeTwoRows(weights, rows, static_cast<size_t>(width), outs);
      for (size_t row = 0; row < 2; ++row)
        ResizeRowPortable(weights, rows[row], portable.data() + stride * row);
      EXPECT_EQ(both, portable);
    }
    const ResizeWeights weights = MakeResizeWeights(21, 4);
    const size_t stride = size_t{3} * width;
    for (const ResizeWeights::Window& window : weights.windows) {
      std::vector<uint8_t> row(stride);
      std::vector<uint8_t> portable(stride);
      const uint8_t* rows = image.rgb.data() + stride * window.first;
      const int16_t* taps = weights.weights.data() + window.offset;
      MixRows(rows, stride, taps, window.count, weights.precision, row.data());
      MixRowsPortable(rows, stride, 0, taps, window.count, weights.precision, portable.data());
      EXPECT_EQ(row, portable);
    }
  }
}

TEST(TileTest, ImpossibleRequestsAreErrors) {
  EXPECT_EQ(MakeTiles({}, {}).error().code, ErrorCode::kBadInput);
  RgbImage lying = RandomImage(4, 4, 1);
  lying.width = 400;
  EXPECT_EQ(MakeTiles(lying, {}).error().code, ErrorCode::kBadInput);
  const RgbImage image = RandomImage(4, 4, 1);
  for (const TileOptions options :
       {TileOptions{0, 16}, TileOptions{336, 0}, TileOptions{-1, 1}, TileOptions{1 << 20, 4}}) {
    EXPECT_EQ(MakeTiles(image, options).error().code, ErrorCode::kUsage);
  }
}

TEST(TileTest, OtherTileSizes) {
  const Result<TileSet> tiles = MakeTiles(RandomImage(100, 50, 1), {28, 4});
  ASSERT_TRUE(tiles.ok());
  EXPECT_EQ(tiles->rows, 1);
  EXPECT_EQ(tiles->cols, 2);
  EXPECT_EQ(tiles->tiles, 3);
  EXPECT_EQ(tiles->levels.size(), size_t{3 * 3 * 28 * 28});
}

}  // namespace
}  // namespace gatehouse

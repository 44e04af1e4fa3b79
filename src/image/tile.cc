// How an image is fitted to a canvas of tiles, and cut. The arithmetic follows the reference step by step,
// single precision included: a canvas chosen in another precision would be another canvas for some sizes.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "image/image.h"
#include "image/resize.h"
#include "image/tile_fit.h"

namespace gatehouse {
namespace {

// Canvases grouped by their ratio, groups and members in the order in which they are first met counting down
// from max_tiles: the order decides between canvases of equal scale and area.
std::vector<Canvas> ListCanvases(int max_tiles) {
  std::vector<std::pair<double, std::vector<Canvas>>> groups;
  for (int count = max_tiles; count >= 1; --count) {
    for (int rows = 1; rows <= count; ++rows) {
      if (count % rows != 0) continue;
      const Canvas canvas = {rows, count / rows};
      // Equal ratios divide to equal doubles, so that == groups them: the quotient of two small whole numbers
      // is rounded once.
      const double ratio = static_cast<double>(canvas.rows) / canvas.cols;
      auto group =
          std::find_if(groups.begin(), groups.end(), [&](const auto& each) { return each.first == ratio; });
      if (group == groups.end()) group = groups.insert(groups.end(), {ratio, {}});
      group->second.push_back(canvas);
    }
  }
  std::vector<Canvas> canvases;
  for (const auto& [ratio, members] : groups) canvases.insert(canvases.end(), members.begin(), members.end());
  return canvases;
}

// target / size, in single precision where the target is the canvas's (the reference keeps that in a tensor)
// and in double precision where it is the image's own.
struct SideScale {
  double value = 0;
  bool single = false;

  SideScale(int size, int target, bool from_canvas) : single(from_canvas) {
    value = single ? static_cast<double>(static_cast<float>(target) / static_cast<float>(size))
                   : static_cast<double>(target) / size;
  }
  int Apply(int size) const {
    // The product is rounded to single precision before floor: 335.99999 must become 336 where it does in the
    // reference.
    if (single) return static_cast<int>(std::floor(static_cast<float>(size) * static_cast<float>(value)));
    return static_cast<int>(std::floor(size * value));
  }
};

bool Less(const SideScale& left, const SideScale& right) {
  if (!left.single && !right.single) return left.value < right.value;
  return static_cast<float>(left.value) < static_cast<float>(right.value);
}

// Splits interleaved pixels into the three planes of one tile; what the image does not cover stays as it is
// (black). planes: [3][tile][tile]; (left, top): the tile's corner in the image.
void CopyTile(const RgbImage& image, int left, int top, int tile, uint8_t* planes) {
  const int columns = std::min(tile, image.width - left);
  const int rows = std::min(tile, image.height - top);
  const size_t plane = static_cast<size_t>(tile) * tile;
  for (int y = 0; y < rows; ++y) {
    const uint8_t* source = image.rgb.data() + (static_cast<size_t>(top + y) * image.width + left) * 3;
    uint8_t* target = planes + static_cast<size_t>(y) * tile;
    for (int x = 0; x < columns; ++x, source += 3) {
      target[x] = source[0];
      target[plane + x] = source[1];
      target[2 * plane + x] = source[2];
    }
  }
}

}  // namespace

Canvas ChooseCanvas(int width, int height, const TileOptions& options) {
  Canvas best;
  float best_scale = 0;
  for (const Canvas& canvas : ListCanvases(options.max_tiles)) {
    const float scale_w = static_cast<float>(canvas.cols * options.tile) / static_cast<float>(width);
    const float scale_h = static_cast<float>(canvas.rows * options.tile) / static_cast<float>(height);
    const float scale = std::min(scale_w, scale_h);
    // Enlarging as little as possible is best, shrinking as little as possible next, then the smaller area.
    const bool enlarges = scale >= 1;
    const bool best_enlarges = best_scale >= 1;
    bool better = false;
    if (enlarges != best_enlarges) {
      better = enlarges;
    } else if (scale != best_scale) {
      better = enlarges ? scale < best_scale : scale > best_scale;
    } else {
      better = canvas.rows * canvas.cols < best.rows * best.cols;
    }
    if (better) {
      best = canvas;
      best_scale = scale;
    }
  }
  return best;
}

ImageSize FitToCanvas(int width, int height, const Canvas& canvas, int tile) {
  // An image smaller than a tile may grow to one tile; a larger one is never enlarged.
  const int limit_w = std::max(width, tile);
  const int limit_h = std::max(height, tile);
  const int target_w = std::min(limit_w, canvas.cols * tile);
  const int target_h = std::min(limit_h, canvas.rows * tile);
  const SideScale scale_w(width, target_w, target_w < limit_w);
  const SideScale scale_h(height, target_h, target_h < limit_h);
  ImageSize size;
  if (Less(scale_w, scale_h)) {
    size.width = target_w;
    // Of a line of pixels floor would leave nothing.
    size.height = std::max(1, std::min(scale_w.Apply(height), target_h));
  } else {
    size.height = target_h;
    size.width = std::max(1, std::min(scale_h.Apply(width), target_w));
  }
  return size;
}

Result<TileSet> MakeTiles(const RgbImage& image, const TileOptions& options) {
  if (image.width < 1 || image.height < 1 ||
      image.rgb.size() != static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3) {
    return BadInput("empty image", {}, "at least 1 x 1 pixels",
                    std::to_string(image.width) + " x " + std::to_string(image.height));
  }
  if (options.tile < 1 || options.tile > kMaxTileSide || options.max_tiles < 1 ||
      options.max_tiles > kMaxTiles) {
    return UsageError("impossible tiling", {}, "tiles of 1 to 4096 pixels, 1 to 1024 of them",
                      std::to_string(options.max_tiles) + " of " + std::to_string(options.tile) + " pixels");
  }
  const Canvas canvas = ChooseCanvas(image.width, image.height, options);
  const ImageSize size = FitToCanvas(image.width, image.height, canvas, options.tile);
  const int pieces = canvas.rows * canvas.cols;

  TileSet tiles;
  tiles.rows = canvas.rows;
  tiles.cols = canvas.cols;
  tiles.tile = options.tile;
  // Cut into pieces, the image comes once more as a whole, resized to one tile: the last one.
  tiles.tiles = pieces > 1 ? pieces + 1 : 1;
  const size_t tile_bytes = size_t{3} * options.tile * options.tile;
  tiles.levels.resize(tile_bytes * tiles.tiles);

  const std::array<ImageSize, 2> sizes = {{{size.width, size.height}, {options.tile, options.tile}}};
  // Both sizes in one pass over the source, which may be a hundred times as large as they are.
  const std::vector<RgbImage> drawn = ResizeAll(image, std::span(sizes).first(pieces > 1 ? 2 : 1));
  uint8_t* out = tiles.levels.data();
  for (int row = 0; row < canvas.rows; ++row) {
    for (int col = 0; col < canvas.cols; ++col, out += tile_bytes) {
      CopyTile(drawn[0], col * options.tile, row * options.tile, options.tile, out);
    }
  }
  if (pieces > 1) CopyTile(drawn[1], 0, 0, options.tile, out);
  return tiles;
}

}  // namespace gatehouse

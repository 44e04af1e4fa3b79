// The sizes behind MakeTiles: which canvas of tiles an image gets, and how large it is drawn there.
//
//   const Canvas canvas = ChooseCanvas(800, 600, {});           // 2 rows, 3 columns
//   const ImageSize size = FitToCanvas(800, 600, canvas, 336);  // what is pasted at the top left
#pragma once

#include "image/image.h"
#include "image/resize.h"

namespace gatehouse {

inline constexpr int kMaxTileSide = 4096;
inline constexpr int kMaxTiles = 1024;

struct Canvas {
  int rows = 1;
  int cols = 1;
};

Canvas ChooseCanvas(int width, int height, const TileOptions& options);
ImageSize FitToCanvas(int width, int height, const Canvas& canvas, int tile);

}  // namespace gatehouse

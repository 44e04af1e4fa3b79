// GIF by giflib: the first frame, on the canvas. The low-level calls are used because the convenient one
// would read every frame of the file.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gif_lib.h>

#include "base/error.h"
#include "image/codecs.h"

namespace gatehouse {
namespace {

struct FileDeleter {
  void operator()(GifFileType* file) const { DGifCloseFile(file, nullptr); }
};

int ReadBytes(GifFileType* file, GifByteType* target, int count) {
  auto* rest = static_cast<std::string_view*>(file->UserData);
  const size_t taken = std::min(rest->size(), static_cast<size_t>(std::max(count, 0)));
  std::memcpy(target, rest->data(), taken);
  rest->remove_prefix(taken);
  return static_cast<int>(taken);
}

Error Damaged(const std::string& name, int code) {
  const char* reason = GifErrorString(code);
  return BadInput("cannot decode the image", name, "an intact GIF file",
                  reason != nullptr ? reason : "damaged data");
}

// Reads records up to the first image's description; transparent becomes its transparent index, -1 for none.
Result<void> SkipToImage(GifFileType* file, const std::string& name, int& transparent) {
  while (true) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(file, &type) == GIF_ERROR) return Damaged(name, file->Error);
    if (type == TERMINATE_RECORD_TYPE) return Damaged(name, D_GIF_ERR_NO_IMAG_DSCR);
    if (type == IMAGE_DESC_RECORD_TYPE) {
      // The header alone: the usual call would also keep a copy of every image's description.
      return DGifGetImageHeader(file) == GIF_ERROR ? Result<void>(Damaged(name, file->Error))
                                                   : Result<void>();
    }
    if (type != EXTENSION_RECORD_TYPE) return Damaged(name, D_GIF_ERR_WRONG_RECORD);
    int function = 0;
    GifByteType* block = nullptr;  // [0] is the length
    if (DGifGetExtension(file, &function, &block) == GIF_ERROR) return Damaged(name, file->Error);
    while (block != nullptr) {
      GraphicsControlBlock control = {};
      if (function == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK &&
          control.TransparentColor != NO_TRANSPARENT_COLOR) {
        transparent = control.TransparentColor;
      }
      if (DGifGetExtensionNext(file, &block) == GIF_ERROR) return Damaged(name, file->Error);
    }
  }
}

using Palette = std::array<std::array<uint8_t, 3>, 256>;

// Indices past the palette's end show black; without any palette the index is a level of grey.
Palette ReadPalette(const ColorMapObject* map) {
  Palette palette = {};
  for (size_t k = 0; k < palette.size(); ++k) {
    const auto level = static_cast<uint8_t>(k);
    if (map == nullptr) {
      palette[k] = {level, level, level};
    } else if (k < static_cast<size_t>(map->ColorCount)) {
      palette[k] = {map->Colors[k].Red, map->Colors[k].Green, map->Colors[k].Blue};
    }
  }
  return palette;
}

// The order in which the rows of an interlaced image come: every 8th from 0, every 8th from 4, every 4th from
// 2, the odd ones.
std::vector<int> RowOrder(int height, bool interlaced) {
  std::vector<int> order;
  order.reserve(static_cast<size_t>(height));
  constexpr std::array<std::array<int, 2>, 4> kPasses = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  if (!interlaced) {
    for (int y = 0; y < height; ++y) order.push_back(y);
    return order;
  }
  for (const auto& [start, step] : kPasses) {
    for (int y = start; y < height; y += step) order.push_back(y);
  }
  return order;
}

}  // namespace

Result<Decoded> DecodeGif(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  std::string_view rest = bytes;
  int open_error = 0;
  const std::unique_ptr<GifFileType, FileDeleter> file(DGifOpen(&rest, ReadBytes, &open_error));
  if (file == nullptr) return Damaged(name, open_error);
  int transparent = -1;
  GATEHOUSE_TRY(SkipToImage(file.get(), name, transparent));

  const GifImageDesc& frame = file->Image;
  if (frame.Width < 1 || frame.Height < 1 || frame.Left < 0 || frame.Top < 0) {
    return BadInput("empty image", name, "at least 1 x 1 pixels",
                    std::to_string(frame.Width) + " x " + std::to_string(frame.Height));
  }
  // A frame larger than the canvas enlarges it.
  Decoded decoded;
  GATEHOUSE_ASSIGN(decoded.image,
                   AllocatePixels(std::max(file->SWidth, frame.Left + frame.Width),
                                  std::max(file->SHeight, frame.Top + frame.Height), name, options));
  const Palette palette = ReadPalette(frame.ColorMap != nullptr ? frame.ColorMap : file->SColorMap);
  // What the frame does not cover has the transparent index, else index 0.
  const bool white = options.alpha == AlphaMode::kWhite;
  const auto write = [&](uint8_t* out, int index) {
    if (white && index == transparent) {
      std::memset(out, 255, 3);
    } else {
      std::memcpy(out, palette[static_cast<size_t>(index)].data(), 3);
    }
  };
  RgbImage& image = decoded.image;
  if (frame.Width < image.width || frame.Height < image.height) {
    for (size_t at = 0; at < image.rgb.size(); at += 3)
      write(image.rgb.data() + at, std::max(transparent, 0));
  }
  std::vector<GifPixelType> row(static_cast<size_t>(frame.Width));
  for (const int y : RowOrder(frame.Height, frame.Interlace)) {
    if (DGifGetLine(file.get(), row.data(), frame.Width) == GIF_ERROR) return Damaged(name, file->Error);
    uint8_t* out = image.rgb.data() + (static_cast<size_t>(frame.Top + y) * image.width + frame.Left) * 3;
    for (const GifPixelType index : row) {
      write(out, index);
      out += 3;
    }
  }
  return decoded;
}

}  // namespace gatehouse

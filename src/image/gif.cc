// GIF: giflib unpacks the pixels of one frame at a time, and the frames are composed here on one canvas. GIF
// knows no half transparency, so the canvas holds colours alone.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gif_lib.h>

#include "base/error.h"
#include "image/codecs.h"
#include "image/frames.h"
#include "image/gif_blocks.h"

namespace gatehouse {
namespace {

using Colour = std::array<uint8_t, 3>;
using Palette = std::array<Colour, 256>;
constexpr Colour kWhite = {255, 255, 255};

struct FileDeleter {
  void operator()(GifFileType* file) const { DGifCloseFile(file, nullptr); }
};

// What giflib reads: a header without a palette, then one frame's own bytes.
struct Source {
  std::string_view header;
  std::string_view record;
};

int ReadBytes(GifFileType* file, GifByteType* target, int count) {
  auto* source = static_cast<Source*>(file->UserData);
  int done = 0;
  for (std::string_view* part : {&source->header, &source->record}) {
    const size_t taken = std::min(part->size(), static_cast<size_t>(std::max(count - done, 0)));
    if (taken > 0) std::memcpy(target + done, part->data(), taken);
    part->remove_prefix(taken);
    done += static_cast<int>(taken);
  }
  return done;
}

Error Damaged(const std::string& name, int code) {
  const char* reason = GifErrorString(code);
  return BadInput("cannot decode the image", name, "an intact GIF file",
                  reason != nullptr ? reason : "damaged data");
}

// Indices past the palette's end show black; without any palette the index is a level of grey.
Palette ReadPalette(const std::optional<std::string_view>& colours) {
  Palette palette = {};
  for (size_t k = 0; k < palette.size(); ++k) {
    const auto level = static_cast<uint8_t>(k);
    if (!colours) {
      palette[k] = {level, level, level};
    } else if (3 * k < colours->size()) {
      std::memcpy(palette[k].data(), colours->data() + 3 * k, 3);
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

// The part of the canvas that a frame covers; what stands out is not shown.
struct Box {
  int left, top, width, height;
};
Box Covered(const GifFrame& frame, const RgbImage& canvas) {
  const int left = std::min(frame.left, canvas.width), top = std::min(frame.top, canvas.height);
  return {left, top, std::min(frame.width, canvas.width - left), std::min(frame.height, canvas.height - top)};
}
uint8_t* PixelAt(RgbImage& image, int x, int y) {
  return image.rgb.data() + (static_cast<size_t>(y) * image.width + x) * 3;
}

class Composer {
 public:
  Composer(const GifScreen& screen, AlphaMode alpha, RgbImage* canvas)
      : screen_(screen), white_(alpha == AlphaMode::kWhite), canvas_(*canvas) {}

  // Draws the frame over what the frames before it left. alone: it is the file's only one.
  Result<void> Draw(const GifFrame& frame, bool alone, const std::string& name) {
    if (frame.width < 1 || frame.height < 1) return Damaged(name, D_GIF_ERR_NO_IMAG_DSCR);
    const Palette palette = ReadPalette(frame.palette ? frame.palette : screen_.palette);
    if (first_) {
      Begin(frame, palette, alone);
    } else {
      Dispose();
    }
    if (frame.disposal == GifDisposal::kRestore) Save(frame);
    GATEHOUSE_TRY(Paint(frame, palette, name));
    first_ = false;
    last_ = frame;
    cleared_ = ClearColour(frame, palette);
    return {};
  }

 private:
  // What nobody has painted has the colour of the transparent index, else of index 0; over white it is
  // transparent, so white, except in a single image that knows no transparency.
  void Begin(const GifFrame& frame, const Palette& palette, bool alone) {
    const bool white = white_ && (frame.transparent >= 0 || !alone);
    const Colour colour = white ? kWhite : palette[static_cast<size_t>(std::max(frame.transparent, 0))];
    const bool all = frame.width == canvas_.width && frame.height == canvas_.height;
    if (!all || frame.disposal == GifDisposal::kRestore) {
      Fill({0, 0, canvas_.width, canvas_.height}, colour);
    }
  }

  // Cleared pixels are transparent to today's viewers: the hidden colour is that of the transparent index,
  // else the screen's background, as the format says.
  Colour ClearColour(const GifFrame& frame, const Palette& palette) const {
    if (white_) return kWhite;
    if (frame.transparent >= 0) return palette[static_cast<size_t>(frame.transparent)];
    if (!screen_.palette) return {};
    return ReadPalette(screen_.palette)[static_cast<size_t>(screen_.background)];
  }

  void Fill(const Box& box, const Colour& colour) {
    for (int y = 0; y < box.height; ++y) {
      uint8_t* out = PixelAt(canvas_, box.left, box.top + y);
      for (int x = 0; x < box.width; ++x, out += 3) std::memcpy(out, colour.data(), 3);
    }
  }

  void Save(const GifFrame& frame) {
    const Box box = Covered(frame, canvas_);
    const size_t stride = size_t{3} * box.width;
    saved_.resize(stride * box.height);
    for (int y = 0; y < box.height && stride > 0; ++y)
      std::memcpy(saved_.data() + stride * y, PixelAt(canvas_, box.left, box.top + y), stride);
  }

  // What the last frame leaves behind.
  void Dispose() {
    const Box box = Covered(last_, canvas_);
    if (last_.disposal == GifDisposal::kClear) Fill(box, cleared_);
    if (last_.disposal != GifDisposal::kRestore) return;
    const size_t stride = size_t{3} * box.width;
    for (int y = 0; y < box.height && stride > 0; ++y)
      std::memcpy(PixelAt(canvas_, box.left, box.top + y), saved_.data() + stride * y, stride);
  }

  Result<void> Paint(const GifFrame& frame, const Palette& palette, const std::string& name) {
    constexpr std::string_view kHeader("GIF89a\1\0\1\0\0\0\0", 13);
    Source source = {kHeader, frame.record};
    int error = 0;
    const std::unique_ptr<GifFileType, FileDeleter> file(DGifOpen(&source, ReadBytes, &error));
    if (file == nullptr) return Damaged(name, error);
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    // The header alone: the usual call would also keep a copy of the description.
    if (DGifGetRecordType(file.get(), &type) == GIF_ERROR || DGifGetImageHeader(file.get()) == GIF_ERROR)
      return Damaged(name, file->Error);

    const Box box = Covered(frame, canvas_);
    std::vector<GifPixelType> row(static_cast<size_t>(frame.width));
    for (const int y : RowOrder(frame.height, frame.interlaced)) {
      if (DGifGetLine(file.get(), row.data(), frame.width) == GIF_ERROR) return Damaged(name, file->Error);
      if (y < box.height && box.width > 0) PaintRow(row.data(), frame, palette, y, box);
    }
    return {};
  }

  // The first frame has nothing below it: there the transparent index hides a colour of its own.
  void PaintRow(const GifPixelType* row, const GifFrame& frame, const Palette& palette, int y,
                const Box& box) {
    uint8_t* out = PixelAt(canvas_, box.left, box.top + y);
    for (int x = 0; x < box.width; ++x, out += 3) {
      const bool hidden = row[x] == frame.transparent;
      if (hidden && !first_) continue;
      const Colour& colour = hidden && white_ ? kWhite : palette[row[x]];
      std::memcpy(out, colour.data(), 3);
    }
  }

  const GifScreen& screen_;
  const bool white_;
  RgbImage& canvas_;
  bool first_ = true;
  GifFrame last_;
  Colour cleared_ = {};
  std::vector<uint8_t> saved_;  // what stood where the last frame stands
};

}  // namespace

Result<int64_t> DecodeGif(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                          int most, const DecodedSink& sink) {
  GATEHOUSE_ASSIGN(const GifScreen screen, ReadGifScreen(bytes, name));
  GifFrames counted(bytes, screen);
  GifFrame frame, first;
  FrameWork work;
  int64_t count = 0;
  for (; counted.Next(&frame); ++count) {
    if (count == 0) first = frame;
    work.Add(int64_t{frame.width} * frame.height);
  }
  if (count == 0) return Damaged(name, D_GIF_ERR_NO_IMAG_DSCR);
  if (first.width < 1 || first.height < 1) {
    return BadInput("empty image", name, "at least 1 x 1 pixels",
                    std::to_string(first.width) + " x " + std::to_string(first.height));
  }
  // A first frame larger than the canvas enlarges it.
  const int width = std::max(screen.width, first.left + first.width);
  const int height = std::max(screen.height, first.top + first.height);
  GATEHOUSE_TRY(CheckPixels(width, height, name, options));
  GATEHOUSE_ASSIGN(const FramePlan plan, PlanFrames(count, most, name));
  GATEHOUSE_TRY(work.Check(name, options));

  GATEHOUSE_ASSIGN(RgbImage canvas, AllocatePixels(width, height, name, options));
  Composer composer(screen, options.alpha, &canvas);
  GifFrames frames(bytes, screen);
  int64_t done = 0;
  for (int64_t index = 0; done < plan.wanted && frames.Next(&frame); ++index) {
    GATEHOUSE_TRY(composer.Draw(frame, count == 1, name));
    if (index != plan.Index(done)) continue;
    ++done;
    Decoded decoded;
    if (done == plan.wanted) {
      decoded.image = std::move(canvas);
      GATEHOUSE_TRY(sink(std::move(decoded)));
      break;
    }
    decoded.image = canvas;
    GATEHOUSE_TRY(sink(std::move(decoded)));
  }
  return plan.frames;
}

}  // namespace gatehouse

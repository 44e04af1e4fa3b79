// Animated PNG: every frame becomes a PNG file of its own for libspng, and is composed here.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "image/apng_frames.h"
#include "image/codecs.h"
#include "image/frames.h"
#include "image/png_chunks.h"

namespace gatehouse {
namespace {

// source over target, both with colours that are not multiplied by their alpha.
void BlendOver(const uint8_t* source, uint8_t* target) {
  const uint32_t alpha = source[3], below = target[3];
  if (alpha == 0) return;
  if (alpha == 255 || below == 0) {
    std::memcpy(target, source, 4);
    return;
  }
  // Shares of the two in the result, in units of 1/255^2.
  const uint32_t upper = alpha * 255, lower = (255 - alpha) * below, sum = upper + lower;
  for (int channel = 0; channel < 3; ++channel) {
    target[channel] =
        static_cast<uint8_t>((source[channel] * upper + target[channel] * lower + sum / 2) / sum);
  }
  target[3] = static_cast<uint8_t>((sum + 127) / 255);
}

class Canvas {
 public:
  Canvas(uint32_t width, uint32_t height)
      : width_(static_cast<int>(width)),
        height_(static_cast<int>(height)),
        rgba_(size_t{4} * width * height) {}

  void Draw(const ApngFrame& frame, const RgbaImage& pixels) {
    for (uint32_t y = 0; y < frame.height; ++y) {
      const uint8_t* source = pixels.rgba.data() + size_t{4} * frame.width * y;
      uint8_t* target = Row(frame, y);
      // Over nothing at all, the colours of hidden pixels stay, as in a still image.
      if (!frame.over || fresh_) {
        std::memcpy(target, source, size_t{4} * frame.width);
        continue;
      }
      for (uint32_t x = 0; x < frame.width; ++x) BlendOver(source + size_t{4} * x, target + size_t{4} * x);
    }
    fresh_ = false;
  }

  void Save(const ApngFrame& frame) {
    const size_t stride = size_t{4} * frame.width;
    saved_.resize(stride * frame.height);
    for (uint32_t y = 0; y < frame.height; ++y)
      std::memcpy(saved_.data() + stride * y, Row(frame, y), stride);
  }
  void Restore(const ApngFrame& frame) {
    const size_t stride = size_t{4} * frame.width;
    for (uint32_t y = 0; y < frame.height; ++y)
      std::memcpy(Row(frame, y), saved_.data() + stride * y, stride);
  }
  void Clear(const ApngFrame& frame) {
    for (uint32_t y = 0; y < frame.height; ++y) std::memset(Row(frame, y), 0, size_t{4} * frame.width);
  }

  RgbImage Picture(AlphaMode alpha) const { return WithoutAlpha(rgba_.data(), width_, height_, alpha); }

 private:
  uint8_t* Row(const ApngFrame& frame, uint32_t y) {
    return rgba_.data() + (static_cast<size_t>(frame.top + y) * width_ + frame.left) * 4;
  }

  int width_;
  int height_;
  bool fresh_ = true;           // nothing was drawn yet
  std::vector<uint8_t> rgba_;   // [height][width][4]
  std::vector<uint8_t> saved_;  // what stood where the last frame stands
};

}  // namespace

bool IsAnimatedPng(std::string_view bytes) {
  PngChunks chunks(bytes);
  PngChunk chunk;
  while (chunks.Next(&chunk)) {
    if (chunk.kind == "acTL") return true;
    if (chunk.kind == "IDAT") return false;
  }
  return false;
}

Result<int64_t> DecodeAnimatedPng(std::string_view bytes, const std::string& name,
                                  const DecodeOptions& options, int most, const DecodedSink& sink) {
  GATEHOUSE_ASSIGN(const Apng file, ReadApng(bytes, name));
  if (file.frames.size() == 1) {
    GATEHOUSE_ASSIGN(Decoded decoded, DecodePng(bytes, name, options));
    GATEHOUSE_TRY(sink(std::move(decoded)));
    return 1;
  }
  GATEHOUSE_TRY(CheckPixels(file.width, file.height, name, options));
  GATEHOUSE_ASSIGN(const FramePlan plan, PlanFrames(static_cast<int64_t>(file.frames.size()), most, name));
  FrameWork work;
  for (const ApngFrame& frame : file.frames) work.Add(int64_t{frame.width} * frame.height);
  GATEHOUSE_TRY(work.Check(name, options));

  Canvas canvas(file.width, file.height);
  int64_t done = 0;
  for (size_t index = 0; done < plan.wanted; ++index) {
    const ApngFrame& frame = file.frames[index];
    {
      GATEHOUSE_ASSIGN(const RgbaImage pixels, DecodePngRgba(file.FileOf(frame), name, options));
      if (frame.dispose == ApngFrame::Dispose::kRestore) canvas.Save(frame);
      canvas.Draw(frame, pixels);
    }
    if (static_cast<int64_t>(index) == plan.Index(done)) {
      ++done;
      Decoded decoded;
      decoded.image = canvas.Picture(options.alpha);
      decoded.orientation = file.orientation;
      GATEHOUSE_TRY(sink(std::move(decoded)));
    }
    if (index == 0 && file.still_apart) {
      canvas = Canvas(file.width, file.height);
    } else if (frame.dispose == ApngFrame::Dispose::kRestore) {
      canvas.Restore(frame);
    } else if (frame.dispose == ApngFrame::Dispose::kClear) {
      canvas.Clear(frame);
    }
  }
  return plan.frames;
}

}  // namespace gatehouse

// WebP by libwebp: still images, and the first frame of animations on their canvas.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <webp/decode.h>
#include <webp/demux.h>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"

namespace gatehouse {
namespace {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

Error Damaged(const std::string& name, const char* found) {
  return BadInput("cannot decode the image", name, "an intact WebP file", found);
}

int ReadOrientation(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    orientation = ExifOrientation({reinterpret_cast<const char*>(chunk.chunk.bytes), chunk.chunk.size});
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

// Decodes `frame` into the canvas; what the frame does not cover stays as it is.
bool DecodeOpaque(const WebPIterator& frame, RgbImage& canvas) {
  const size_t stride = size_t{3} * canvas.width;
  const size_t start = stride * frame.y_offset + size_t{3} * frame.x_offset;
  return WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, canvas.rgb.data() + start,
                           canvas.rgb.size() - start, static_cast<int>(stride)) != nullptr;
}

// The same with alpha composited on white; the canvas around the frame is transparent, so white.
bool DecodeOverWhite(const WebPIterator& frame, RgbImage& canvas) {
  const size_t frame_stride = size_t{4} * frame.width;
  std::vector<uint8_t> rgba(frame_stride * frame.height);  // [frame.height][frame.width][4]
  if (WebPDecodeRGBAInto(frame.fragment.bytes, frame.fragment.size, rgba.data(), rgba.size(),
                         static_cast<int>(frame_stride)) == nullptr) {
    return false;
  }
  std::fill(canvas.rgb.begin(), canvas.rgb.end(), uint8_t{255});
  for (int y = 0; y < frame.height; ++y) {
    const uint8_t* source = rgba.data() + frame_stride * y;
    uint8_t* target =
        canvas.rgb.data() + (static_cast<size_t>(frame.y_offset + y) * canvas.width + frame.x_offset) * 3;
    for (int x = 0; x < frame.width; ++x, source += 4, target += 3) {
      for (int channel = 0; channel < 3; ++channel) target[channel] = OverWhite(source[channel], source[3]);
    }
  }
  return true;
}

}  // namespace

Result<Decoded> DecodeWebp(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  const WebPData data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer(WebPDemux(&data));
  if (demuxer == nullptr) return Damaged(name, "a truncated or malformed container");

  Decoded decoded;
  GATEHOUSE_ASSIGN(decoded.image,
                   AllocatePixels(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                                  WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), name, options));
  decoded.orientation = ReadOrientation(demuxer.get());

  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0) return Damaged(name, "no frame");
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  // The demuxer checks the same; our own check keeps the writes below in bounds whatever it does.
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width >= 1 && frame.height >= 1 &&
                      frame.width <= decoded.image.width - frame.x_offset &&
                      frame.height <= decoded.image.height - frame.y_offset;
  int bitstream_width = 0;
  int bitstream_height = 0;
  const bool sized =
      WebPGetInfo(frame.fragment.bytes, frame.fragment.size, &bitstream_width, &bitstream_height) != 0;
  if (!inside || !sized || bitstream_width != frame.width || bitstream_height != frame.height) {
    return Damaged(name, "a frame that does not fit its canvas");
  }
  const bool done = options.alpha == AlphaMode::kWhite ? DecodeOverWhite(frame, decoded.image)
                                                       : DecodeOpaque(frame, decoded.image);
  if (!done) return Damaged(name, "a truncated or corrupt bitstream");
  return decoded;
}

}  // namespace gatehouse

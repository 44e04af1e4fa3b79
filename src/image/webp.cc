// WebP by libwebp: still images here, animations by its own composer. A still image may also come as an
// animation of one frame, which is then drawn on its canvas.
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
#include "image/frames.h"

namespace gatehouse {
namespace {

struct DemuxerDeleter {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

struct AnimationDeleter {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
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

Result<Decoded> DecodeStill(const WebPDemuxer* demuxer, const std::string& name,
                            const DecodeOptions& options) {
  Decoded decoded;
  GATEHOUSE_ASSIGN(decoded.image,
                   AllocatePixels(WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH),
                                  WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT), name, options));
  decoded.orientation = ReadOrientation(demuxer);

  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer, 1, &frame) == 0) return Damaged(name, "no frame");
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  // The demuxer checks the same; our own check keeps the writes below in bounds whatever it does.
  const bool inside = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width >= 1 && frame.height >= 1 &&
                      frame.width <= decoded.image.width - frame.x_offset &&
                      frame.height <= decoded.image.height - frame.y_offset;
  // The size stands twice, in the container and in the bitstream; the decoder writes by the second.
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

Result<int64_t> DecodeAnimation(const WebPData& data, const FramePlan& plan, int orientation,
                                const std::string& name, const DecodeOptions& options,
                                const DecodedSink& sink) {
  WebPAnimDecoderOptions settings;
  if (WebPAnimDecoderOptionsInit(&settings) == 0) return Damaged(name, "another version of libwebp");
  settings.color_mode = MODE_RGBA;
  // A server decides about threads, and bounds them.
  settings.use_threads = 0;
  const std::unique_ptr<WebPAnimDecoder, AnimationDeleter> decoder(WebPAnimDecoderNew(&data, &settings));
  WebPAnimInfo info;
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0)
    return Damaged(name, "a malformed animation");
  int64_t done = 0;
  for (int64_t index = 0; done < plan.wanted; ++index) {
    uint8_t* canvas = nullptr;  // [height][width][4], the decoder's
    int time = 0;
    if (WebPAnimDecoderGetNext(decoder.get(), &canvas, &time) == 0)
      return Damaged(name, "a truncated or corrupt frame");
    // Frames that are not wanted are drawn all the same: the next one may change a part of them only.
    if (index != plan.Index(done)) continue;
    ++done;
    Decoded decoded;
    decoded.image = WithoutAlpha(canvas, static_cast<int>(info.canvas_width),
                                 static_cast<int>(info.canvas_height), options.alpha);
    decoded.orientation = orientation;
    GATEHOUSE_TRY(sink(std::move(decoded)));
  }
  return plan.frames;
}

}  // namespace

Result<int64_t> DecodeWebp(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                           int most, const DecodedSink& sink) {
  const WebPData data = {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DemuxerDeleter> demuxer(WebPDemux(&data));
  if (demuxer == nullptr) return Damaged(name, "a truncated or malformed container");
  const int64_t frames = WebPDemuxGetI(demuxer.get(), WEBP_FF_FRAME_COUNT);
  // An animation of one frame is a picture, also for who allows no animations.
  if (frames < 2) {
    GATEHOUSE_ASSIGN(Decoded decoded, DecodeStill(demuxer.get(), name, options));
    GATEHOUSE_TRY(sink(std::move(decoded)));
    return 1;
  }
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  GATEHOUSE_TRY(CheckPixels(width, height, name, options));
  GATEHOUSE_ASSIGN(const FramePlan plan, PlanFrames(frames, most, name));
  FrameWork work;  // the composer copies the whole canvas for each frame
  for (int64_t k = 0; k < frames; ++k) work.Add(width * height);
  GATEHOUSE_TRY(work.Check(name, options));
  return DecodeAnimation(data, plan, ReadOrientation(demuxer.get()), name, options, sink);
}

}  // namespace gatehouse

#include "image/apng_frames.h"

#include <utility>

#include "base/error.h"
#include "image/exif.h"
#include "image/png_chunks.h"

namespace gatehouse {
namespace {

constexpr size_t kHeader = 13;
constexpr size_t kControl = 26;  // sequence, width, height, left, top, two of delay, dispose, blend

class Reader {
 public:
  explicit Reader(std::string name) : name_(std::move(name)) {}

  Result<Apng> Read(std::string_view bytes) {
    PngChunks chunks(bytes);
    PngChunk chunk;
    bool ended = false;
    while (chunks.Next(&chunk)) {
      if (!chunk.Intact()) return Damaged("a wrong checksum of " + std::string(chunk.kind));
      if (out_.header.empty() && chunk.kind != "IHDR") return Damaged("no header");
      GATEHOUSE_TRY(Take(chunk));
      ended = chunk.kind == "IEND";
    }
    if (!ended) return Damaged("a truncated file");
    if (out_.frames.empty() || out_.frames.front().data.empty()) return Damaged("no pixels");
    if (out_.frames.back().data.empty()) return Damaged("a frame without pixels");
    const size_t animated = out_.frames.size() - (out_.still_apart ? 1 : 0);
    if (animated != said_) {
      return Damaged(std::to_string(animated) + " frames where its header says " + std::to_string(said_));
    }
    return std::move(out_);
  }

 private:
  Error Damaged(const std::string& found) const {
    return BadInput("cannot decode the image", name_, "an intact animated PNG file", found);
  }

  Result<void> Take(const PngChunk& chunk) {
    if (chunk.kind == "IHDR") return TakeHeader(chunk.data);
    if (chunk.kind == "acTL") return TakeLength(chunk.data);
    if (chunk.kind == "fcTL") return TakeControl(chunk.data);
    if (chunk.kind == "IDAT") return TakeStill(chunk.data);
    if (chunk.kind == "fdAT") return TakeData(chunk.data);
    if (chunk.kind == "eXIf") {
      out_.orientation = ExifOrientation(chunk.data);
    } else if (chunk.kind == "PLTE" || chunk.kind == "tRNS") {
      if (saw_pixels_) return Damaged(std::string(chunk.kind) + " behind the pixels");
      // Each frame's file gets a copy of what is shared: it stays small.
      if ((chunk.kind == "PLTE" ? palettes_ : transparencies_)++ > 0)
        return Damaged("a second " + std::string(chunk.kind));
      out_.shared += chunk.whole;
    } else if (chunk.kind != "IEND" && (chunk.kind[0] & 0x20) == 0) {
      return Damaged("an unknown chunk that counts, " + std::string(chunk.kind));
    }
    return {};
  }

  Result<void> TakeHeader(std::string_view data) {
    if (!out_.header.empty() || data.size() != kHeader) return Damaged("a malformed header");
    out_.header = data;
    out_.width = PngNumber(data, 0);
    out_.height = PngNumber(data, 4);
    return {};
  }

  Result<void> TakeLength(std::string_view data) {
    if (saw_pixels_) return {};  // too late to count: the file is a still image, and never came here for it
    if (said_ != 0 || data.size() != 8 || PngNumber(data, 0) == 0) return Damaged("a malformed acTL");
    said_ = PngNumber(data, 0);
    return {};
  }

  Result<void> TakeSequence(std::string_view data) {
    if (data.size() < 4 || PngNumber(data, 0) != sequence_) return Damaged("frames out of sequence");
    ++sequence_;
    return {};
  }

  Result<void> TakeControl(std::string_view data) {
    GATEHOUSE_TRY(TakeSequence(data));
    if (data.size() != kControl) return Damaged("a malformed fcTL");
    if (!out_.frames.empty() && out_.frames.back().data.empty()) return Damaged("a frame without pixels");
    ApngFrame frame;
    frame.width = PngNumber(data, 4);
    frame.height = PngNumber(data, 8);
    frame.left = PngNumber(data, 12);
    frame.top = PngNumber(data, 16);
    const int dispose = static_cast<uint8_t>(data[24]), blend = static_cast<uint8_t>(data[25]);
    const bool inside = frame.width >= 1 && frame.height >= 1 && frame.width <= out_.width &&
                        frame.height <= out_.height && frame.left <= out_.width - frame.width &&
                        frame.top <= out_.height - frame.height;
    const bool whole = frame.width == out_.width && frame.height == out_.height;
    if (!inside || (!saw_pixels_ && !whole)) return Damaged("a frame that does not fit its canvas");
    if (dispose > 2 || blend > 1) return Damaged("a malformed fcTL");
    frame.dispose = static_cast<ApngFrame::Dispose>(dispose);
    frame.over = blend == 1;
    out_.frames.push_back(std::move(frame));
    return {};
  }

  // The pixels that every program shows: the first frame's where its control stands before them.
  Result<void> TakeStill(std::string_view data) {
    if (out_.frames.empty()) {
      out_.still_apart = true;
      ApngFrame still;
      still.width = out_.width;
      still.height = out_.height;
      out_.frames.push_back(std::move(still));
    }
    if (out_.frames.size() > 1) return Damaged("pixels out of sequence");
    saw_pixels_ = true;
    out_.frames.front().data.push_back(data);
    return {};
  }

  Result<void> TakeData(std::string_view data) {
    GATEHOUSE_TRY(TakeSequence(data));
    if (!saw_pixels_ || out_.frames.size() < 2) return Damaged("pixels out of sequence");
    out_.frames.back().data.push_back(data.substr(4));
    return {};
  }

  const std::string name_;
  Apng out_;
  uint32_t said_ = 0;                      // frames, by acTL
  uint32_t sequence_ = 0;                  // the next number
  int palettes_ = 0, transparencies_ = 0;  // PLTE and tRNS
  bool saw_pixels_ = false;
};

}  // namespace

Result<Apng> ReadApng(std::string_view bytes, const std::string& name) { return Reader(name).Read(bytes); }

std::string Apng::FileOf(const ApngFrame& frame) const {
  std::string sized(header);
  for (size_t k = 0; k < 4; ++k) {
    sized[k] = static_cast<char>(frame.width >> (24 - 8 * k) & 255);
    sized[4 + k] = static_cast<char>(frame.height >> (24 - 8 * k) & 255);
  }
  std::string pixels;
  for (const std::string_view piece : frame.data) pixels += piece;
  std::string file(kPngSignature);
  file += MakePngChunk("IHDR", sized);
  file += shared;
  file += MakePngChunk("IDAT", pixels);
  return file + MakePngChunk("IEND", {});
}

}  // namespace gatehouse

#include "image/gif_blocks.h"

#include <algorithm>

#include "base/error.h"

namespace gatehouse {
namespace {

constexpr size_t kStamp = 6;        // GIF87a or GIF89a
constexpr size_t kScreen = 7;       // width, height, flags, background, aspect
constexpr size_t kDescriptor = 10;  // comma, left, top, width, height, flags
constexpr int kHasPalette = 0x80;
constexpr int kInterlaced = 0x40;
constexpr int kMostCodeBits = 8;

size_t PaletteBytes(int flags) { return (flags & kHasPalette) != 0 ? size_t{3} << ((flags & 7) + 1) : 0; }

}  // namespace

Result<GifScreen> ReadGifScreen(std::string_view bytes, const std::string& name) {
  GifScreen screen;
  const auto byte = [&](size_t at) { return static_cast<int>(static_cast<uint8_t>(bytes[at])); };
  if (bytes.size() >= kStamp + kScreen) {
    screen.width = byte(6) | byte(7) << 8;
    screen.height = byte(8) | byte(9) << 8;
    screen.background = byte(11);
    const size_t palette = PaletteBytes(byte(10));
    screen.blocks = kStamp + kScreen + palette;
    if (palette > 0 && screen.blocks <= bytes.size())
      screen.palette = bytes.substr(kStamp + kScreen, palette);
  }
  if (screen.blocks == 0 || screen.blocks > bytes.size()) {
    return BadInput("cannot decode the image", name, "an intact GIF file", "a file that ends in its header");
  }
  return screen;
}

size_t GifFrames::EndOfData(size_t at) const {
  while (at < bytes_.size()) {
    const int size = Byte(at++);
    if (size == 0) return at;
    at += static_cast<size_t>(size);
  }
  return bytes_.size();
}

// The graphic control block at at_: of the next frame.
void GifFrames::ReadControl() {
  if (Byte(at_ + 2) < 4 || at_ + 7 > bytes_.size()) return;
  const int flags = Byte(at_ + 3);
  transparent_ = (flags & 1) != 0 ? Byte(at_ + 6) : -1;
  switch (flags >> 2 & 7) {
    case 2:
      disposal_ = GifDisposal::kClear;
      break;
    case 3:
    case 4:  // some writers took the field for three single bits, and browsers read them so
      disposal_ = GifDisposal::kRestore;
      break;
    default:
      disposal_ = GifDisposal::kKeep;
  }
}

// The image descriptor at at_.
bool GifFrames::ReadFrame(GifFrame* frame) {
  if (at_ + kDescriptor > bytes_.size()) {
    at_ = bytes_.size();
    if (strayed_) return false;
    *frame = {};
    return true;
  }
  const int flags = Byte(at_ + 9);
  const size_t palette = PaletteBytes(flags), codes = at_ + kDescriptor + palette;
  // Behind bytes that are no block any comma could look like a frame. Asked before the way to the data's end
  // is walked: that way may be long, and there may be many commas.
  const int bits = Byte(codes);
  if (strayed_ && (bits < 1 || bits > kMostCodeBits || Number(at_ + 5) == 0 || Number(at_ + 7) == 0)) {
    ++at_;
    return false;
  }
  const size_t end = EndOfData(std::min(codes + 1, bytes_.size()));
  frame->left = Number(at_ + 1);
  frame->top = Number(at_ + 3);
  frame->width = Number(at_ + 5);
  frame->height = Number(at_ + 7);
  frame->interlaced = (flags & kInterlaced) != 0;
  frame->transparent = transparent_;
  frame->disposal = disposal_;
  frame->palette.reset();
  if (palette > 0 && codes <= bytes_.size()) frame->palette = bytes_.substr(at_ + kDescriptor, palette);
  frame->record = bytes_.substr(at_, end - at_);
  at_ = end;
  transparent_ = -1;
  disposal_ = GifDisposal::kKeep;
  return true;
}

bool GifFrames::Next(GifFrame* frame) {
  while (at_ < bytes_.size()) {
    switch (bytes_[at_]) {
      case ';':
        at_ = bytes_.size();
        return false;
      case '!':
        if (Byte(at_ + 1) == 0xf9) ReadControl();
        at_ = EndOfData(std::min(at_ + 2, bytes_.size()));
        break;
      case ',':
        if (ReadFrame(frame)) return true;
        break;
      default:
        strayed_ = true;
        ++at_;
    }
  }
  return false;
}

}  // namespace gatehouse

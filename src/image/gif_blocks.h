// The blocks of a GIF file, without their pixels: how many frames there are, where each stands, what it does
// when its time is over. Reads no compressed data, so it is quick on any file.
//
//   GATEHOUSE_ASSIGN(const GifScreen screen, ReadGifScreen(bytes, name));
//   GifFrames frames(bytes, screen);
//   GifFrame frame;
//   while (frames.Next(&frame)) ...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/result.h"

namespace gatehouse {

struct GifScreen {
  int width = 0;
  int height = 0;
  int background = 0;                       // an index into the palette
  std::optional<std::string_view> palette;  // red, green, blue for each index
  size_t blocks = 0;                        // where the blocks begin
};

enum class GifDisposal { kKeep, kClear, kRestore };

struct GifFrame {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  bool interlaced = false;
  int transparent = -1;  // the index that shows what was there before; -1: none
  GifDisposal disposal = GifDisposal::kKeep;
  std::optional<std::string_view> palette;  // its own
  std::string_view record;                  // of the file: from the descriptor's comma to its last data block
};

// Errors: kBadInput: the file ends before its blocks.
Result<GifScreen> ReadGifScreen(std::string_view bytes, const std::string& name);

class GifFrames {
 public:
  GifFrames(std::string_view bytes, const GifScreen& screen) : bytes_(bytes), at_(screen.blocks) {}

  // The next frame; false where the file ends, by its trailer or without. A frame that the end of the file
  // cuts off counts: its record is short. Bytes between blocks that begin none are skipped, as the first
  // version of the format says.
  bool Next(GifFrame* frame);

 private:
  int Byte(size_t at) const { return at < bytes_.size() ? static_cast<uint8_t>(bytes_[at]) : -1; }
  int Number(size_t at) const { return Byte(at) | Byte(at + 1) << 8; }
  size_t EndOfData(size_t at) const;  // behind the chain of data blocks at `at`
  void ReadControl();
  bool ReadFrame(GifFrame* frame);

  std::string_view bytes_;
  size_t at_;
  bool strayed_ = false;  // bytes were skipped: what looks like a frame may be none
  int transparent_ = -1;
  GifDisposal disposal_ = GifDisposal::kKeep;
};

}  // namespace gatehouse

// The frames of an animated PNG, read from its chunks and checked against each other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct ApngFrame {
  enum class Dispose : uint8_t { kKeep, kClear, kRestore };

  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t left = 0;
  uint32_t top = 0;
  Dispose dispose = Dispose::kKeep;
  bool over = false;                   // blended over what is there, else in its place
  std::vector<std::string_view> data;  // compressed pixels, in pieces
};

struct Apng {
  std::string_view header;  // the data of IHDR
  uint32_t width = 0;
  uint32_t height = 0;
  int orientation = 1;
  std::string shared;  // whole chunks that every frame needs: palette, transparency
  // What programs that know no animations show is the first of these. still_apart: it is no part of the
  // animation.
  std::vector<ApngFrame> frames;
  bool still_apart = false;

  // A PNG file of this frame alone.
  std::string FileOf(const ApngFrame& frame) const;
};

// Errors: kBadInput: truncated, a wrong checksum, chunks out of order, frames outside the canvas, another
// number of frames than the file says.
Result<Apng> ReadApng(std::string_view bytes, const std::string& name);

}  // namespace gatehouse

#include "image/frames.h"

#include <algorithm>

#include "base/error.h"

namespace gatehouse {
namespace {

// Frames' pixels together, in units of the largest single picture.
constexpr int64_t kMostCanvases = 16;
// Setting up a decoder costs about as much as decoding so many pixels.
constexpr int64_t kFrameOverhead = 1024;

}  // namespace

Result<FramePlan> PlanFrames(int64_t frames, int most, const std::string& name) {
  if (frames == 1) return FramePlan{};
  if (most < 1) {
    return BadInput("animated image", name,
                    "a still image, or a number of frames to judge of an animation (--frames N)",
                    std::to_string(frames) + " frames");
  }
  return FramePlan{frames, std::min<int64_t>(most, frames)};
}

void FrameWork::Add(int64_t pixels) { pixels_ += static_cast<double>(pixels + kFrameOverhead); }

Result<void> FrameWork::Check(const std::string& name, const DecodeOptions& options) const {
  const auto limit = static_cast<double>(options.max_pixels) * kMostCanvases;
  if (pixels_ <= limit) return {};
  return BadInput("animation too large", name,
                  "at most " + std::to_string(static_cast<int64_t>(limit)) + " pixels in all frames together",
                  std::to_string(static_cast<int64_t>(pixels_)));
}

}  // namespace gatehouse

// Which frames of an animation are decoded, and how much work an animation may be.
//
//   GATEHOUSE_ASSIGN(const FramePlan plan, PlanFrames(frames, most, name));
//   for (int64_t index = 0, done = 0; done < plan.wanted; ++index) {
//     ... compose frame `index` ...
//     if (index == plan.Index(done)) { ... give it away ...; ++done; }
//   }
#pragma once

#include <cstdint>
#include <string>

#include "gatehouse/result.h"
#include "image/image.h"

namespace gatehouse {

struct FramePlan {
  int64_t frames = 1;  // of the file
  int64_t wanted = 1;  // of those, how many are given away

  // The frame that is the k-th wanted one: spread evenly, the first and the last among them; halves go up.
  int64_t Index(int64_t k) const {
    return wanted < 2 ? 0 : (2 * k * (frames - 1) + wanted - 1) / (2 * (wanted - 1));
  }
};

// Errors: kBadInput: more than one frame, and most is 0.
Result<FramePlan> PlanFrames(int64_t frames, int most, const std::string& name);

// Adds up what the frames of one animation cost. A file of a few megabytes can hold a million frames, each of
// which may claim the whole canvas.
class FrameWork {
 public:
  // pixels: that the frame touches.
  void Add(int64_t pixels);
  // Errors: kBadInput: more than 16 times options.max_pixels.
  Result<void> Check(const std::string& name, const DecodeOptions& options) const;

 private:
  double pixels_ = 0;  // a sum of a million frames of 2^32 pixels is still far from rounding badly
};

}  // namespace gatehouse

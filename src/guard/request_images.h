// The images of a conversation on their way to the network: decoded, tiled, and known by a digest.
//
//   GATEHOUSE_ASSIGN(auto images, ReadImages(conversation, options, tiling, 144, policy.max_prompt_tokens));
//   for (int k = 0; k < images.rounds(); ++k) ... images.list[i].At(k) ...
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/token_input.h"
#include "gatehouse/conversation.h"
#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "image/image.h"
#include "policy/prompt.h"

namespace gatehouse {

struct RequestImage {
  struct Frame {
    TileSet tiles;
    PictureDigest digest;  // of the tiles
  };
  std::vector<Frame> frames;  // of an animation those that are judged, else one; all of the same grid

  // What this image shows when the conversation is judged for the k-th time. One with fewer frames than
  // another stays at its last.
  const Frame& At(int k) const {
    const size_t last = frames.size() - 1, index = static_cast<size_t>(k);
    return frames[index < last ? index : last];
  }
};

struct RequestImages {
  std::vector<RequestImage> list;
  std::vector<ImageGrid> grids;  // of each
  int tiles = 0;                 // of all, in one round
  bool animated = false;         // is any

  // How often the conversation is judged: each time with another frame of every animated image.
  int rounds() const;
};

// Errors: kBadInput: an image without data, what DecodeFrames refuses, more than the prompt can hold, too
// many tiles in all frames together.
// tokens_per_tile: of the encoder. stopped: nobody wants them any more (kCancelled); may be null.
Result<RequestImages> ReadImages(const Conversation& conversation, const GuardOptions& options,
                                 const TileOptions& tiling, int64_t tokens_per_tile,
                                 int64_t max_prompt_tokens, const std::atomic<bool>* stopped = nullptr);

}  // namespace gatehouse

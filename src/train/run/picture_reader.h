// PictureReader: the images of conversations as the network takes them: decoded, tiled, and through the image
// tower, which stays as it is.
//
//   GATEHOUSE_ASSIGN(auto pictures, PictureReader::Create(*checkpoint, {.threads = 2}));
//   GATEHOUSE_ASSIGN(const PictureReader::Pictures found, pictures->Of(row.conversation));
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "checkpoint/weights.h"
#include "gatehouse/conversation.h"
#include "gatehouse/result.h"
#include "model/vision.h"
#include "policy/prompt.h"

namespace gatehouse::train {

class PictureReader {
 public:
  struct Options {
    int threads = 0;
    bool f32 = false;
    int64_t most_bytes = int64_t{1} << 30;  // of vectors that are kept for the next pass
  };
  // Null for a network that has no image tower. Errors: kModel: its weights; kInternal: no memory.
  static Result<std::unique_ptr<PictureReader>> Create(const Checkpoint& checkpoint, const Options& options);

  struct Pictures {
    std::vector<ImageGrid> grids;                                    // of each image
    std::vector<std::shared_ptr<const std::vector<float>>> vectors;  // [tiles * tokens_per_tile, hidden]
  };
  // Errors: kBadInput: an image that cannot be read, is animated, or that a prompt has no place for.
  Result<Pictures> Of(const Conversation& conversation);
  // How its images are cut, without what the tower makes of them.
  Result<std::vector<ImageGrid>> GridsOf(const Conversation& conversation) const;
  int tokens_per_tile() const { return vision_->tokens_per_tile(); }

 private:
  PictureReader() = default;
  using Vectors = std::shared_ptr<const std::vector<float>>;
  using Digest = std::array<std::byte, 32>;
  void Keep(const Digest& digest, const Vectors& vectors);

  Options options_;
  int64_t hidden_ = 0;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<VisionEncoder> vision_;
  std::map<Digest, Vectors> known_;
  std::deque<Digest> order_;  // of known_, the oldest first
  int64_t bytes_ = 0;
};

}  // namespace gatehouse::train

#include "guard/request_images.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "formats/sha256.h"

namespace gatehouse {
namespace {

// All frames' tiles stand in memory at once: about 1.4 GB of them.
constexpr int64_t kMostTiles = 4096;

DecodeOptions DecodingOf(const GuardOptions& options) {
  DecodeOptions decode;
  decode.max_bytes = options.max_image_bytes;
  decode.max_pixels = options.max_image_pixels;
  decode.alpha = options.alpha_on_white ? AlphaMode::kWhite : AlphaMode::kDrop;
  decode.apply_exif = options.apply_exif;
  return decode;
}

class Reader {
 public:
  Reader(const GuardOptions& options, const TileOptions& tiling, int64_t tokens_per_tile,
         int64_t max_prompt_tokens, const std::atomic<bool>* stopped)
      : options_(options),
        tiling_(tiling),
        tokens_per_tile_(tokens_per_tile),
        max_prompt_tokens_(max_prompt_tokens),
        stopped_(stopped) {}

  Result<void> Read(const Part& part) {
    if (part.image == nullptr)
      return BadInput("image without data", part.image_name, "an encoded image", "nothing");
    RequestImage image;
    const auto take = [&](const RgbImage& picture) { return Take(picture, &image); };
    GATEHOUSE_ASSIGN(const int64_t frames,
                     DecodeFrames(*part.image, part.image_name, DecodingOf(options_), options_.frames, take));
    out_.animated = out_.animated || frames > 1;
    const TileSet& tiles = image.frames.front().tiles;
    out_.grids.push_back({tiles.rows, tiles.cols});
    out_.tiles += tiles.tiles;
    out_.list.push_back(std::move(image));
    return {};
  }

  RequestImages Finish() { return std::move(out_); }

 private:
  Result<void> Take(const RgbImage& picture, RequestImage* image) {
    if (stopped_ != nullptr && stopped_->load()) return Error{ErrorCode::kCancelled, "cancelled", {}, {}, {}};
    GATEHOUSE_ASSIGN(TileSet tiles, MakeTiles(picture, tiling_));
    // Before memory for more of them is taken: images alone may be more than a prompt can hold.
    const int64_t tokens = static_cast<int64_t>(out_.tiles + tiles.tiles) * tokens_per_tile_;
    if (tokens > max_prompt_tokens_) {
      return BadInput("prompt too long", "conversation",
                      "at most " + std::to_string(max_prompt_tokens_) + " tokens",
                      "images of " + std::to_string(tokens) + " or more");
    }
    held_ += tiles.tiles;
    if (!image->frames.empty() && held_ > kMostTiles) {
      return BadInput("too many frames of animated images", "conversation",
                      "at most " + std::to_string(kMostTiles) + " tiles in all frames together",
                      std::to_string(held_) + " or more with --frames " + std::to_string(options_.frames));
    }
    Sha256 digest;
    digest.Update(std::as_bytes(std::span(tiles.levels)));
    // Grids of the same number of tiles differ in their order of tokens, not in the vectors.
    image->frames.push_back({std::move(tiles), digest.Bytes()});
    return {};
  }

  const GuardOptions& options_;
  const TileOptions& tiling_;
  const int64_t tokens_per_tile_;
  const int64_t max_prompt_tokens_;
  const std::atomic<bool>* stopped_;
  RequestImages out_;
  int64_t held_ = 0;  // tiles in memory
};

}  // namespace

int RequestImages::rounds() const {
  size_t most = 1;
  for (const RequestImage& image : list) most = std::max(most, image.frames.size());
  return static_cast<int>(most);
}

Result<RequestImages> ReadImages(const Conversation& conversation, const GuardOptions& options,
                                 const TileOptions& tiling, int64_t tokens_per_tile,
                                 int64_t max_prompt_tokens, const std::atomic<bool>* stopped) {
  Reader reader(options, tiling, tokens_per_tile, max_prompt_tokens, stopped);
  for (const Message& message : conversation.messages) {
    for (const Part& part : message.parts) {
      if (part.kind == Part::Kind::kImage) GATEHOUSE_TRY(reader.Read(part));
    }
  }
  return reader.Finish();
}

}  // namespace gatehouse

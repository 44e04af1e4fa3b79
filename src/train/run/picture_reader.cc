#include "train/run/picture_reader.h"

#include <utility>

#include "backend/create.h"
#include "guard/request_images.h"

namespace gatehouse::train {

Result<std::unique_ptr<PictureReader>> PictureReader::Create(const Checkpoint& checkpoint,
                                                             const Options& options) {
  if (!checkpoint.config().vision.present) return std::unique_ptr<PictureReader>();
  std::unique_ptr<PictureReader> out(new PictureReader);
  out->options_ = options;
  out->hidden_ = checkpoint.config().hidden;
  GATEHOUSE_ASSIGN(out->backend_, CreateBackend({.threads = options.threads, .f32 = options.f32}));
  GATEHOUSE_ASSIGN(out->vision_,
                   VisionEncoder::Create(checkpoint.config(), checkpoint.lookup(), *out->backend_));
  return out;
}

Result<PictureReader::Pictures> PictureReader::Of(const Conversation& conversation) {
  // More than any prompt of a batch has room for is told by the batch, with its own limit.
  GATEHOUSE_ASSIGN(const RequestImages images, ReadImages(conversation, {}, {.tile = vision_->tile_size()},
                                                          tokens_per_tile(), INT64_MAX));
  Pictures out;
  out.grids = images.grids;
  for (const RequestImage& image : images.list) {
    const RequestImage::Frame& frame = image.At(0);
    if (const auto found = known_.find(frame.digest); found != known_.end()) {
      out.vectors.push_back(found->second);
      continue;
    }
    const TileSet& tiles = frame.tiles;
    std::vector<float> pixels(tiles.levels.size());
    NormaliseTiles(tiles, pixels);
    const int64_t rows = int64_t{tiles.tiles} * tokens_per_tile();
    GATEHOUSE_ASSIGN(const auto buffer, backend_->Allocate(rows * hidden_));
    const Mat encoded = {buffer.get(), 0, rows, hidden_};
    GATEHOUSE_TRY(vision_->Encode(pixels, tiles.tiles, encoded));
    auto values = std::make_shared<std::vector<float>>(static_cast<size_t>(rows * hidden_));
    {
      PassScope pass(*backend_);
      backend_->Download(encoded, values->data());
      GATEHOUSE_TRY(pass.End());
    }
    Keep(frame.digest, values);
    out.vectors.push_back(std::move(values));
  }
  return out;
}

Result<std::vector<ImageGrid>> PictureReader::GridsOf(const Conversation& conversation) const {
  GATEHOUSE_ASSIGN(RequestImages images, ReadImages(conversation, {}, {.tile = vision_->tile_size()},
                                                    tokens_per_tile(), INT64_MAX));
  return std::move(images.grids);
}

void PictureReader::Keep(const Digest& digest, const Vectors& vectors) {
  if (!known_.emplace(digest, vectors).second) return;
  order_.push_back(digest);
  const auto size = [](const Vectors& one) { return static_cast<int64_t>(one->size() * sizeof(float)); };
  bytes_ += size(vectors);
  while (bytes_ > options_.most_bytes && order_.size() > 1) {
    const auto oldest = known_.find(order_.front());
    bytes_ -= size(oldest->second);
    known_.erase(oldest);
    order_.pop_front();
  }
}

}  // namespace gatehouse::train

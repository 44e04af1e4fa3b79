#include "engine/engine.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "base/error.h"

namespace gatehouse {
namespace {

// Adds the paths to a batch as a tree whose root is row `root` (-1: the cached end), one row for each
// distinct prefix. Returns the batch row of each path; the root for an empty one.
std::vector<int32_t> AddTree(std::span<const TokenPath> paths, int32_t root, int32_t first_position,
                             Batch* batch) {
  std::map<std::pair<int32_t, int32_t>, int32_t> children;  // (parent row, token) -> row
  std::vector<int32_t> ends;
  for (const TokenPath& path : paths) {
    int32_t at = root;
    int32_t position = first_position;
    for (int32_t token : path) {
      const auto [entry, is_new] =
          children.try_emplace({at, token}, static_cast<int32_t>(batch->rows.size()));
      if (is_new) batch->rows.push_back({.token = token, .position = position, .parent = at});
      at = entry->second;
      ++position;
    }
    ends.push_back(at);
  }
  return ends;
}

}  // namespace

Engine::Engine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
               std::unique_ptr<VisionEncoder> vision, const EngineOptions& options)
    : backend_(std::move(backend)),
      decoder_(std::move(decoder)),
      vision_(std::move(vision)),
      options_(options),
      cache_(backend_->CreateKvCache(decoder_->kv_shape())),
      pool_(*cache_) {}

Result<ImageFeatures> Engine::EncodeTiles(std::span<const float> pixels, int tiles) {
  if (vision_ == nullptr) {
    return BadInput("this model cannot see images", "conversation",
                    "a model with a vision encoder, such as Llama Guard 4", "a text-only model");
  }
  const int64_t rows = static_cast<int64_t>(tiles) * vision_->tokens_per_tile();
  ImageFeatures features;
  features.buffer = backend_->Allocate(rows * config().hidden);
  features.rows = {features.buffer.get(), 0, rows, config().hidden};
  // One at a time: 577 rows keep the kernels busy, and scratch (40 MB a tile at Llama Guard 4's size) stays
  // small.
  const size_t tile_values = pixels.size() / static_cast<size_t>(std::max(tiles, 1));
  const int64_t per_tile = vision_->tokens_per_tile();
  for (int tile = 0; tile < tiles; ++tile) {
    GATEHOUSE_TRY(vision_->Encode(pixels.subspan(static_cast<size_t>(tile) * tile_values, tile_values), 1,
                                  features.rows.Rows(tile * per_tile, per_tile)));
  }
  return features;
}

Batch Engine::MakeChunk(const Sequence& sequence, const TokenInput& input, int32_t count) const {
  Batch batch;
  batch.embeddings = input.embeddings;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t position = sequence.length() + i;
    const size_t at = static_cast<size_t>(position);
    const int32_t embedding = input.embedding_rows.empty() ? -1 : input.embedding_rows[at];
    batch.rows.push_back(
        {.token = input.ids[at], .embedding = embedding, .position = position, .parent = i - 1});
  }
  return batch;
}

Result<std::vector<std::vector<float>>> Engine::Run(Sequence& sequence, const TokenInput& input,
                                                    std::span<const TokenPath> paths, const HiddenTap* tap) {
  const int32_t total = static_cast<int32_t>(input.ids.size());
  for (;;) {
    const int32_t count = std::min(total - sequence.length(), options_.prefill_chunk);
    Batch batch = MakeChunk(sequence, input, count);
    const bool last = sequence.length() + count == total;
    std::vector<int32_t> ends;
    if (last) ends = AddTree(paths, count - 1, total, &batch);
    for (int32_t end : ends) {
      if (end < 0) return InternalError("no token left to read the logits of", "engine");
      if (std::find(batch.logit_rows.begin(), batch.logit_rows.end(), end) == batch.logit_rows.end()) {
        batch.logit_rows.push_back(end);
      }
    }
    GATEHOUSE_TRY(sequence.Prepare(static_cast<int32_t>(batch.rows.size())));
    batch.sequences.push_back({sequence.pages(), sequence.length()});
    GATEHOUSE_ASSIGN(const std::vector<std::vector<float>> rows, decoder_->Forward(batch, *cache_, tap));
    sequence.Commit(count);
    if (!last) continue;
    std::vector<std::vector<float>> out;
    for (int32_t end : ends) {
      const auto at =
          std::find(batch.logit_rows.begin(), batch.logit_rows.end(), end) - batch.logit_rows.begin();
      out.push_back(rows[static_cast<size_t>(at)]);
    }
    return out;
  }
}

Result<std::vector<std::vector<float>>> Engine::RunAllLogits(const TokenInput& input) {
  Sequence sequence = NewSequence();
  std::vector<std::vector<float>> out;
  while (sequence.length() < static_cast<int32_t>(input.ids.size())) {
    const int32_t left = static_cast<int32_t>(input.ids.size()) - sequence.length();
    const int32_t count = std::min(left, options_.prefill_chunk);
    Batch batch = MakeChunk(sequence, input, count);
    for (int32_t i = 0; i < count; ++i) batch.logit_rows.push_back(i);
    GATEHOUSE_TRY(sequence.Prepare(count));
    batch.sequences.push_back({sequence.pages(), sequence.length()});
    GATEHOUSE_ASSIGN(std::vector<std::vector<float>> rows, decoder_->Forward(batch, *cache_));
    sequence.Commit(count);
    std::move(rows.begin(), rows.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace gatehouse

#include "engine/engine.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "engine/batch_rows.h"

namespace gatehouse {
Engine::Engine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
               std::unique_ptr<VisionEncoder> vision, const EngineOptions& options)
    : backend_(std::move(backend)),
      decoder_(std::move(decoder)),
      vision_(std::move(vision)),
      cache_(backend_->CreateKvCache(decoder_->kv_shape())),
      pool_(*cache_),
      prefixes_(pool_, options.cache_bytes),
      scheduler_(*decoder_, *cache_, options.scheduler) {}

Result<ImageFeatures> Engine::EncodeTiles(std::span<const float> pixels, int tiles) {
  if (vision_ == nullptr) {
    return BadInput("this model cannot see images", "conversation",
                    "a model with a vision encoder, such as Llama Guard 4", "a text-only model");
  }
  const int64_t rows = static_cast<int64_t>(tiles) * vision_->tokens_per_tile();
  ImageFeatures features;
  GATEHOUSE_ASSIGN(features.buffer, backend_->Allocate(rows * config().hidden));
  features.rows = {features.buffer.get(), 0, rows, config().hidden};
  // As many at a time as the device likes; requests without images pass in between, and between two layers.
  const size_t tile_values = pixels.size() / static_cast<size_t>(std::max(tiles, 1));
  const int64_t per_tile = vision_->tokens_per_tile();
  const int at_once = backend_->Limits().max_tiles;
  for (int tile = 0; tile < tiles; tile += at_once) {
    const int count = std::min(at_once, tiles - tile);
    GATEHOUSE_TRY(scheduler_.Interruptible([&](const BetweenLayers& stop) {
      return vision_->Encode(
          pixels.subspan(static_cast<size_t>(tile) * tile_values, static_cast<size_t>(count) * tile_values),
          count, features.rows.Rows(tile * per_tile, count * per_tile), stop);
    }));
  }
  return features;
}

Result<ImageFeatures> Engine::Join(std::span<const std::shared_ptr<const ImageFeatures>> images) {
  int64_t total = 0;
  for (const auto& image : images) total += image->rows.rows;
  ImageFeatures out;
  GATEHOUSE_ASSIGN(out.buffer, backend_->Allocate(total * config().hidden));
  out.rows = {out.buffer.get(), 0, total, config().hidden};
  const auto copy = [&] {
    PassScope pass(*backend_);
    int64_t first = 0;
    for (const auto& image : images) {
      backend_->CopyRows(image->rows, {}, out.rows.Rows(first, image->rows.rows), {});
      first += image->rows.rows;
    }
    return pass.End();
  };
  GATEHOUSE_TRY(scheduler_.Exclusive(copy));
  return out;
}

Result<void> Engine::Download(const Mat& mat, float* host) {
  return scheduler_.Exclusive([&] {
    PassScope pass(*backend_);
    backend_->Download(mat, host);
    return pass.End();
  });
}

Result<NextTokens> Engine::Ask(Sequence& sequence, const TokenInput& input,
                               std::span<const Question> questions, const RunLimits& limits,
                               const HiddenTap* tap) {
  return scheduler_.Run(sequence, input, questions, limits, tap);
}

Result<std::vector<std::vector<float>>> Engine::Run(Sequence& sequence, const TokenInput& input,
                                                    std::span<const TokenPath> paths, const HiddenTap* tap,
                                                    const RunLimits& limits) {
  std::vector<Question> questions;
  for (const TokenPath& path : paths) questions.push_back({path, {}, /*whole=*/true});
  GATEHOUSE_ASSIGN(NextTokens answers, Ask(sequence, input, questions, limits, tap));
  std::vector<std::vector<float>> out;
  for (NextToken& answer : answers) out.push_back(std::move(answer.logits));
  return out;
}

Result<std::vector<std::vector<float>>> Engine::RunAllLogits(const TokenInput& input) {
  constexpr int32_t kChunk = 512;
  Sequence sequence = NewSequence();
  std::vector<std::vector<float>> out;
  const int32_t total = static_cast<int32_t>(input.ids.size());
  while (sequence.length() < total) {
    const int32_t begin = sequence.length();
    const int32_t count = std::min(total - begin, kChunk);
    Batch batch;
    AppendTokens(input, begin, count, 0, &batch);
    for (int32_t i = 0; i < count; ++i) batch.questions.push_back({i, {}, /*whole=*/true});
    const auto pass = [&]() -> Result<void> {
      GATEHOUSE_TRY(sequence.Prepare(count));
      batch.sequences.push_back({sequence.pages(), begin});
      GATEHOUSE_ASSIGN(NextTokens rows, decoder_->Forward(batch, *cache_));
      sequence.Commit(count);
      for (NextToken& row : rows) out.push_back(std::move(row.logits));
      return {};
    };
    GATEHOUSE_TRY(scheduler_.Exclusive(pass));
  }
  return out;
}

}  // namespace gatehouse

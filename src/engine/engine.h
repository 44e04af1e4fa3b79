// Engine: a loaded model and its key/value cache. It runs token sequences through the network in chunks,
// keeps them for continuation, forks them, and scores continuations as a tree in one pass.
//
//   Sequence sequence = engine.NewSequence();
//   TokenInput input{ids};
//   std::vector<Question> questions = {{{}, {safe, unsafe}}, {{lead}, {safe, unsafe}}};
//   GATEHOUSE_ASSIGN(auto answers, engine.Ask(sequence, input, questions));  // at the end, and behind the
//   lead
//
// Chunk sizes, forks, and what else runs at the same time never change a result: see backend.h. Run,
// EncodeTiles and the prefix cache may be called from many threads; calls that wait together share passes
// (scheduler.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "engine/page_pool.h"
#include "engine/prefix_cache.h"
#include "engine/scheduler.h"
#include "engine/token_input.h"
#include "gatehouse/result.h"
#include "model/decoder.h"
#include "model/vision.h"

namespace gatehouse {

// The vectors of some images' tiles, on the device: [tiles * tokens_per_tile, hidden].
struct ImageFeatures {
  std::unique_ptr<DeviceBuffer> buffer;
  Mat rows;
};

struct EngineOptions {
  SchedulerOptions scheduler;
  int64_t cache_bytes = int64_t{512} << 20;  // of keys and values kept for later requests
};

class Engine {
 public:
  // vision may be null.
  Engine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
         std::unique_ptr<VisionEncoder> vision, const EngineOptions& options);

  Sequence NewSequence() { return Sequence(pool_); }
  const ModelConfig& config() const { return decoder_->config(); }
  const Backend& backend() const { return *backend_; }
  bool can_see() const { return vision_ != nullptr; }
  VisionEncoder* vision() { return vision_.get(); }
  void set_prefill_chunk(int tokens) { scheduler_.set_prefill_chunk(tokens); }
  PrefixCache& prefixes() { return prefixes_; }
  Scheduler& scheduler() { return scheduler_; }
  int32_t pages_in_use() const { return pool_.in_use(); }

  // pixels: host f32 [tiles][3][size][size].
  Result<ImageFeatures> EncodeTiles(std::span<const float> pixels, int tiles);
  // Vectors of several images behind each other, in one buffer.
  Result<ImageFeatures> Join(std::span<const std::shared_ptr<const ImageFeatures>> images);
  Result<void> Download(const Mat& mat, float* host);

  // Appends input.ids[sequence.length() ..] to the sequence (which must hold their beginning), and answers
  // the questions: what comes after each path of further tokens; the paths themselves are not kept. An empty
  // path means the end of the text, and needs at least one token to have been appended by this call.
  Result<NextTokens> Ask(Sequence& sequence, const TokenInput& input, std::span<const Question> questions,
                         const RunLimits& limits = {}, const HiddenTap* tap = nullptr);
  // The same with all logits [vocab] after each path.
  Result<std::vector<std::vector<float>>> Run(Sequence& sequence, const TokenInput& input,
                                              std::span<const TokenPath> paths,
                                              const HiddenTap* tap = nullptr, const RunLimits& limits = {});
  // As Run, with the logits at every position of the text.
  Result<std::vector<std::vector<float>>> RunAllLogits(const TokenInput& input);

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<VisionEncoder> vision_;
  std::unique_ptr<KvCache> cache_;
  PagePool pool_;
  PrefixCache prefixes_;
  Scheduler scheduler_;
};

}  // namespace gatehouse

// Engine: a loaded model and its key/value cache. It takes texts with questions about what comes next, from
// as many owners as there are, and answers them in shared passes (task.h, driver.h).
//
//   GATEHOUSE_ASSIGN(task->ticket, engine.Admit(tenant, cost, deadline));
//   engine.Enter(task);  // its deadline counts
//   engine.Ask(task);    // then OnAnswered, on the driver's thread; perhaps more questions
//   engine.Leave(task);
//
// Chunk sizes, forks, and what else runs at the same time never change a result: see backend.h. All calls may
// come from any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/admission.h"
#include "engine/driver.h"
#include "engine/page_pool.h"
#include "engine/prefix_cache.h"
#include "engine/task.h"
#include "engine/token_input.h"
#include "gatehouse/result.h"
#include "model/decoder.h"
#include "model/vision.h"

namespace gatehouse {

struct EngineOptions {
  int prefill_chunk = 512;                     // most tokens of one sequence in one pass
  int64_t kv_bytes = int64_t{1} << 30;         // of keys and values, of texts at work and kept ones
  int64_t feature_bytes = int64_t{128} << 20;  // of images' vectors kept for later requests
  int64_t max_waiting_tokens = 1 << 20;        // cost that is admitted at once
};

class Engine {
 public:
  // vision may be null.
  Engine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
         std::unique_ptr<VisionEncoder> vision, const EngineOptions& options);

  const ModelConfig& config() const { return decoder_->config(); }
  const Backend& backend() const { return *backend_; }
  bool can_see() const { return vision_ != nullptr; }
  const VisionEncoder* vision() const { return vision_.get(); }
  PagePool& pool() { return pool_; }
  PrefixCache& prefixes() { return prefixes_; }
  int32_t pages_in_use() const { return pool_.in_use(); }
  int64_t bytes_of_page() const { return cache_->BytesPerPage(); }
  // Of the largest passes, and the device's scratch so far.
  int64_t PassBytes() const {
    return decoder_->PassBytes() + (vision_ != nullptr ? vision_->PassBytes() : 0) + backend_->ScratchBytes();
  }
  EngineStats stats() const { return driver_.stats(); }
  int64_t waiting_tokens() const { return admission_.waiting(); }
  // Tokens a second, of late, while it computed.
  double rate() const { return admission_.rate(); }
  void set_prefill_chunk(int tokens) { driver_.set_prefill_chunk(tokens); }

  // Errors: kBusy, with the time to come again. cost: tokens behind the policy's, and rows of tiles.
  Result<Ticket> Admit(const std::string& tenant, int64_t cost, std::optional<Clock::time_point> deadline) {
    return admission_.Admit(tenant, cost, deadline);
  }
  std::optional<Error> Refusal(const std::string& tenant, int64_t cost,
                               std::optional<Clock::time_point> deadline) const {
    return admission_.Refusal(tenant, cost, deadline);
  }
  void Enter(const std::shared_ptr<Task>& task) { driver_.inbox().Post(task, Inbox::kEntered); }
  void Ask(const std::shared_ptr<Task>& task) { driver_.inbox().Post(task, Inbox::kAsked); }
  void Leave(const std::shared_ptr<Task>& task) { driver_.inbox().Post(task, Inbox::kLeft); }
  // Ends it (kCancelled) unless it has left.
  void Cancel(const std::shared_ptr<Task>& task) { driver_.inbox().Post(task, Inbox::kCancelled); }
  std::shared_ptr<KeptText> NewKeptText() { return driver_.NewKeptText(); }
  // Frees what is kept of a policy's texts. Whoever used it has left.
  void DropPolicy(std::list<uint64_t>* policy) noexcept { driver_.inbox().DropPolicy(policy); }

  // Ends what is on its way (kCancelled); from here on nobody answers.
  void Close() { driver_.Stop(); }

  // For inspection, benchmarks and tests: the same, and wait.
  Sequence NewSequence() { return Sequence(pool_); }
  // Appends input.ids[sequence.length() ..] to the sequence (which must hold their beginning), and answers
  // the questions: what comes after each path of further tokens; the paths themselves are not kept. An empty
  // path means the end of the text, and needs at least one token to have been appended by this call. After an
  // error the sequence holds a beginning of the text.
  Result<NextTokens> Ask(Sequence& sequence, const TokenInput& input, std::span<const Question> questions,
                         std::optional<Clock::time_point> deadline = {}, const HiddenTap* tap = nullptr);
  // The same with all logits [vocab] after each path.
  Result<std::vector<std::vector<float>>> Run(Sequence& sequence, const TokenInput& input,
                                              std::span<const TokenPath> paths,
                                              const HiddenTap* tap = nullptr);
  // As Run, with the logits at every position of the text.
  Result<std::vector<std::vector<float>>> RunAllLogits(const TokenInput& input);
  // pixels: host f32 [tiles][3][size][size].
  Result<ImageFeatures> EncodeTiles(std::span<const float> pixels, int tiles);
  Result<void> Download(const Mat& mat, float* host);

 private:
  // Runs it on the driver's thread, between passes.
  Result<void> WithDevice(const std::function<Result<void>()>& job);

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<VisionEncoder> vision_;
  std::unique_ptr<KvCache> cache_;
  PagePool pool_;
  PrefixCache prefixes_;
  Admission admission_;
  Driver driver_;
};

}  // namespace gatehouse

#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <new>
#include <utility>

#include "base/error.h"
#include "engine/batch_rows.h"

namespace gatehouse {
namespace {

int64_t PagesOf(const KvCache& cache, int64_t bytes) {
  return bytes / std::max<int64_t>(cache.BytesPerPage(), 1);
}

// A task whose owner waits for it.
class WaitedTask : public Task {
 public:
  explicit WaitedTask(PagePool& pool) : Task(pool) {}
  void OnAnswered() noexcept override {}
  void OnEnded(Error error) noexcept override { error_ = std::move(error); }
  void OnReleased() noexcept override {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  std::optional<Error> Wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return released_; });
    return std::move(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool released_ = false;
  std::optional<Error> error_;
};

}  // namespace

Engine::Engine(std::unique_ptr<Backend> backend, std::unique_ptr<Decoder> decoder,
               std::unique_ptr<VisionEncoder> vision, const EngineOptions& options)
    : backend_(std::move(backend)),
      decoder_(std::move(decoder)),
      vision_(std::move(vision)),
      cache_(backend_->CreateKvCache(decoder_->kv_shape())),
      pool_(*cache_),
      prefixes_(pool_, PagesOf(*cache_, options.kv_bytes)),
      admission_(options.max_waiting_tokens),
      driver_({*backend_, *decoder_, vision_.get(), *cache_, pool_, prefixes_, admission_},
              options.prefill_chunk, PagesOf(*cache_, options.kv_bytes), options.feature_bytes) {}

Result<void> Engine::WithDevice(const std::function<Result<void>()>& run) {
  Result<void> done;
  Inbox::Job job{[&] {
    try {
      done = run();
    } catch (const std::bad_alloc&) {
      done = OutOfMemory("engine");
    }
  }};
  // On the driver's thread, for nobody else may use the device.
  driver_.inbox().RunAndWait(&job);
  return done;
}

Result<NextTokens> Engine::Ask(Sequence& sequence, const TokenInput& input,
                               std::span<const Question> questions, std::optional<Clock::time_point> deadline,
                               const HiddenTap* tap) {
  const auto total = static_cast<int32_t>(input.ids.size());
  if (sequence.length() == total && questions.empty()) return NextTokens{};
  const auto task = std::make_shared<WaitedTask>(pool_);
  task->deadline = deadline;
  task->input = input;
  task->questions.assign(questions.begin(), questions.end());
  task->tap = tap;
  // Its sequence is the caller's own and stays as it is, so it may not begin with another text's pages, nor
  // be kept for others.
  task->lent = task->once = true;
  task->sequence = std::move(sequence);
  Enter(task);
  Ask(task);
  std::optional<Error> error = task->Wait();
  sequence = std::move(task->sequence);
  if (error) return std::move(*error);
  return std::move(task->answers);
}

Result<std::vector<std::vector<float>>> Engine::Run(Sequence& sequence, const TokenInput& input,
                                                    std::span<const TokenPath> paths, const HiddenTap* tap) {
  std::vector<Question> questions;
  for (const TokenPath& path : paths) questions.push_back({path, {}, /*whole=*/true});
  GATEHOUSE_ASSIGN(NextTokens answers, Ask(sequence, input, questions, {}, tap));
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
    // All logits of a long text would be gigabytes on the device: a chunk's are brought over at a time.
    const int32_t count = std::min(total - begin, kChunk);
    Batch batch;
    AppendTokens(input, {&input.embeddings, 1}, begin, count, 0, &batch);
    for (int32_t i = 0; i < count; ++i) batch.questions.push_back({i, {}, /*whole=*/true});
    const auto pass = [&]() -> Result<void> {
      GATEHOUSE_TRY(sequence.Prepare(count));
      batch.sequences.push_back({sequence.pages(), begin});
      GATEHOUSE_ASSIGN(NextTokens rows, decoder_->Forward(batch, *cache_));
      sequence.Commit(count);
      for (NextToken& row : rows) out.push_back(std::move(row.logits));
      return {};
    };
    GATEHOUSE_TRY(WithDevice(pass));
  }
  return out;
}

Result<ImageFeatures> Engine::EncodeTiles(std::span<const float> pixels, int tiles) {
  if (vision_ == nullptr) {
    return BadInput("this model cannot see images", "conversation",
                    "a model with a vision encoder, such as Llama Guard 4", "a text-only model");
  }
  const int64_t rows = static_cast<int64_t>(tiles) * vision_->tokens_per_tile();
  ImageFeatures out;
  GATEHOUSE_ASSIGN(out.buffer, backend_->Allocate(rows * config().hidden));
  out.rows = {out.buffer.get(), 0, rows, config().hidden};
  GATEHOUSE_TRY(WithDevice([&] { return vision_->Encode(pixels, tiles, out.rows); }));
  return out;
}

Result<void> Engine::Download(const Mat& mat, float* host) {
  return WithDevice([&] {
    PassScope pass(*backend_);
    backend_->Download(mat, host);
    return pass.End();
  });
}

}  // namespace gatehouse

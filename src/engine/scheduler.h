// Scheduler: many threads ask for forward passes of their own sequences; one pass serves as many of them as
// fit.
//
// There is no thread of its own: of the callers that wait, one runs the next pass for all. Work is short
// (what a person types, with the policy known) or long (documents, images). A long pass stops between two
// layers and lets the short ones that wait pass whole, so that they take little longer beside it than alone,
// and it still reads its prompt in chunks as large as the kernels like. Between two such stops it keeps the
// device for a share of the time that the last one took, so that it gets on however many short ones come.
// What shares a pass, or stops one, never changes a result (backend.h).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "engine/page_pool.h"
#include "engine/token_input.h"
#include "gatehouse/result.h"
#include "model/decoder.h"

namespace gatehouse {

// When a caller no longer wants its answer.
struct RunLimits {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancelled = nullptr;  // set by another thread; outlives the call
};

struct SchedulerOptions {
  int prefill_chunk = 512;  // most tokens of one sequence in one pass
  int max_waiting = 1024;   // calls at once; more are refused
};

struct SchedulerStats {
  int64_t passes = 0;
  int64_t rows = 0;       // over all passes
  int64_t read = 0;       // of them, those whose logits were asked for
  int64_t sequences = 0;  // over all passes: shared passes count each
  int64_t stops = 0;      // of long passes, for short ones
};

using NextTokens = std::vector<NextToken>;

class Scheduler {
 public:
  Scheduler(Decoder& decoder, KvCache& cache, const SchedulerOptions& options);

  // Appends input.ids[sequence.length() ..] to the sequence and answers the questions
  // (engine.h). From any thread; a sequence is one thread's own. Errors: kInternal: ids out of range; kBusy:
  // too many callers, the deadline passed, cancelled. After an error the sequence holds a beginning of the
  // text.
  Result<NextTokens> Run(Sequence& sequence, const TokenInput& input, std::span<const Question> questions,
                         const RunLimits& limits, const HiddenTap* tap);

  // Runs job() with the device to itself, between passes.
  template <typename Job>
  auto Exclusive(Job job) {
    const Turn turn(*this);
    return job();
  }
  // Runs job(stop), a long one, which calls stop() now and then where short passes may come in between.
  template <typename Job>
  auto Interruptible(Job job) {
    const Turn turn(*this);
    return job([this] { return LetShortOnesPass(); });
  }

  SchedulerStats stats() const;
  void set_prefill_chunk(int tokens);
  void set_max_waiting(int tasks);

 private:
  // One call of Run.
  struct Task {
    Sequence& sequence;
    const TokenInput& input;
    std::span<const Question> questions;
    const RunLimits& limits;
    const HiddenTap* tap;
    bool is_long;
    bool running = false;  // part of the pass under way
    bool done = false;
    Result<NextTokens> result = NextTokens{};

    int32_t left() const { return static_cast<int32_t>(input.ids.size()) - sequence.length(); }
  };
  // A task's part of one pass.
  struct Part {
    Task* task = nullptr;
    int32_t tokens = 0;         // of the text
    bool last = false;          // the questions ride at the end
    size_t first_question = 0;  // of the batch
  };
  // Holds the device while it lives.
  class Turn {
   public:
    explicit Turn(Scheduler& scheduler);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Scheduler& scheduler_;
  };

  Result<void> Check(const TokenInput& input, std::span<const Question> questions) const;
  bool IsLong(const Sequence& sequence, const TokenInput& input) const;
  enum class Work { kShort, kLong, kExclusive };
  // With the lock. Nobody goes twice while work of the next kind waits: exclusive work before a long pass,
  // either before short ones, which stop both.
  bool MayTakeDevice(Work work) const;
  void TakeDevice(Work work);
  // The next four run with the device and without the lock.
  void Pass(bool is_long);  // one forward for some of the tasks of a kind
  bool LetShortOnesPass();
  std::vector<Part> FillBatch(std::vector<Part> parts, Batch* batch);
  void EndPass(const Batch& batch, const std::vector<Part>& parts, Result<NextTokens> answers);
  std::vector<Part> ChooseParts(bool is_long);  // with the lock
  void GiveUpExpired();                         // with the lock
  void Finish(Task* task, Result<NextTokens> result);

  Decoder& decoder_;
  KvCache& cache_;
  SchedulerOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;             // somebody holds the device
  Work last_ = Work::kExclusive;  // the kind of whoever held it last
  int exclusive_waiters_ = 0;
  int long_waiters_ = 0;  // callers with long or exclusive work, waiting or at it
  // Of whoever holds the device:
  std::chrono::steady_clock::time_point long_since_;  // begin of a long pass, or of its part after a stop
  double short_seconds_ = 0;                          // of the last short pass
  std::list<Task*> waiting_;                          // in order of arrival
  SchedulerStats stats_;
};

}  // namespace gatehouse

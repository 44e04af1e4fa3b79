// Scheduler: many threads ask for forward passes of their own sequences; one pass serves as many of them as
// fit.
//
// There is no thread of its own: of the callers that wait, one runs the next pass for all. A long prompt goes
// in chunks beside which short ones pass, so that it does not hold them up. What shares a pass never changes
// a result (backend.h).
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
  int64_t sequences = 0;  // over all passes: shared passes count each
};

// Adds count tokens of a text, from `begin` on, to a batch as a chain behind what is cached.
void AppendTokens(const TokenInput& input, int32_t begin, int32_t count, int32_t sequence, Batch* batch);

using Logits = std::vector<std::vector<float>>;

class Scheduler {
 public:
  Scheduler(Decoder& decoder, KvCache& cache, const SchedulerOptions& options);

  // Appends input.ids[sequence.length() ..] to the sequence and returns the logits after each path
  // (engine.h). From any thread; a sequence is one thread's own. Errors: kInternal: ids out of range; kBusy:
  // too many callers, the deadline passed, cancelled. After an error the sequence holds a beginning of the
  // text.
  Result<Logits> Run(Sequence& sequence, const TokenInput& input, std::span<const TokenPath> paths,
                     const RunLimits& limits, const HiddenTap* tap);

  // Runs job() with the device to itself, between passes.
  template <typename Job>
  auto Exclusive(Job job) {
    const Turn turn(*this);
    return job();
  }

  SchedulerStats stats() const;
  void set_prefill_chunk(int tokens);
  void set_max_waiting(int tasks);

 private:
  // One call of Run.
  struct Task {
    Sequence& sequence;
    const TokenInput& input;
    std::span<const TokenPath> paths;
    const RunLimits& limits;
    const HiddenTap* tap;
    bool running = false;  // part of the pass under way
    bool done = false;
    Result<Logits> result = Logits{};

    int32_t left() const { return static_cast<int32_t>(input.ids.size()) - sequence.length(); }
  };
  // A task's part of one pass.
  struct Part {
    Task* task = nullptr;
    int32_t tokens = 0;         // of the text
    bool last = false;          // the paths ride at the end
    std::vector<int32_t> ends;  // batch row of each path
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

  Result<void> Check(const TokenInput& input, std::span<const TokenPath> paths) const;
  void Pass();                      // one forward for some of the tasks; the device is held, the lock is not
  std::vector<Part> ChooseParts();  // with the lock
  void GiveUpExpired();             // with the lock
  std::vector<Part> FillBatch(std::vector<Part> parts, Batch* batch);
  void Finish(Task* task, Result<Logits> result);

  Decoder& decoder_;
  KvCache& cache_;
  SchedulerOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;         // somebody holds the device
  std::list<Task*> waiting_;  // in order of arrival
  SchedulerStats stats_;
};

}  // namespace gatehouse

// Driver: the one thread that runs passes. It reads what other threads post (inbox.h), lets texts begin where
// there is room, and gives the device to who comes next.
//
// Work is short (what a person types, with the policy known) or long (documents, pictures). A long pass stops
// between two layers and lets the short ones that wait pass whole, so that they take little longer beside it
// than alone, and it still reads its prompt in chunks as large as the kernels like. Between two such stops it
// keeps the device for a share of the time that the last one took, so that it gets on however many short ones
// come. A device that runs ahead cannot be stopped without waiting for it: there the short ones share the
// passes of the long one's chunks. What shares a pass, or stops one, never changes a result (backend.h).
//
// Whatever memory runs out for, the task that wanted it ends with an error, and the rest stays whole.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine/beginnings.h"
#include "engine/fair_queue.h"
#include "engine/feature_cache.h"
#include "engine/inbox.h"
#include "engine/prefix_cache.h"
#include "engine/room.h"
#include "engine/task.h"
#include "model/vision.h"

namespace gatehouse {

struct EngineStats {
  int64_t passes = 0;
  int64_t rows = 0;       // over all passes
  int64_t tokens = 0;     // of them, those of texts
  int64_t read = 0;       // questions answered
  int64_t sequences = 0;  // over all passes: shared passes count each
  int64_t stops = 0;      // of long work, for short passes
  int64_t tiles = 0;      // of pictures
};

class Driver {
 public:
  struct Device {
    Backend& backend;
    Decoder& decoder;
    VisionEncoder* vision;  // may be null
    KvCache& cache;
    PagePool& pool;
    PrefixCache& prefixes;
    Admission& admission;
  };
  Driver(const Device& device, int prefill_chunk, int64_t most_pages, int64_t feature_bytes);
  ~Driver() { Stop(); }
  // Ends what is left as cancelled.
  void Stop();

  Inbox& inbox() { return inbox_; }
  EngineStats stats() const;
  void set_prefill_chunk(int tokens) { prefill_chunk_ = tokens; }
  std::shared_ptr<KeptText> NewKeptText();

 private:
  enum class Work { kShort, kLong, kPictures };
  // A task's part of one pass.
  struct Part {
    Task* task = nullptr;
    int32_t tokens = 0;         // of the text
    bool last = false;          // the questions ride at the end
    size_t first_question = 0;  // of the batch
  };

  // driver.cc: the loop, and who comes next.
  void Loop();
  void RunJobs();
  bool RunNext();
  bool Between();
  bool AnyReady(Work work) const;
  bool TakesPart(const Task& task, Work work) const;
  BetweenLayers Stops();
  void ReadInbox();
  void ReadLetter(const std::shared_ptr<Task>& task, uint32_t events);
  void ExpireDeadlines();
  std::optional<Clock::time_point> NextDeadline() const;

  // driver_tasks.cc: how tasks come and go.
  void Enter(const std::shared_ptr<Task>& task);
  void Ask(const std::shared_ptr<Task>& task);
  Result<void> Check(const Task& task) const;
  void StartWaiting(bool also_long);
  bool TryStart(FairQueue<std::shared_ptr<Task>>& queue, bool is_long);
  void FindBeginning(Task* task);
  void LetGoOfPages(Task* task);
  void FindKept(Task* task);
  void ComputeOrAwaitBeginning(Task* task);
  void BeginningDone(Task* task);
  bool IsLong(int32_t left, int32_t total) const;
  bool DropKeptTexts(const Task& task);
  void TextDone(Task* task);
  void EndTask(Task* task, Error error);
  void Forget(Task* task);
  void StopText(Task* task);
  void Release(Task* task);

  // driver_pass.cc
  void RunPass(Work work);
  static double CostOf(const Part& part);
  void Account(double cost, double seconds);
  std::vector<Part> ChooseParts(Work work);
  std::vector<Part> FillBatch(std::vector<Part> parts, Batch* batch);
  void EndPass(const Batch& batch, const std::vector<Part>& parts, Result<NextTokens> answers);

  // driver_pictures.cc
  void EncodeTile();
  bool NextPicture(Task* task);
  Result<void> EncodeTileOf(Task* task);
  Result<void> PicturesDone(Task* task);

  Device device_;
  const PassLimits limits_;
  std::atomic<int> prefill_chunk_;
  Inbox inbox_;
  Beginnings beginnings_;
  FeatureCache features_;
  Room room_;
  FairQueue<std::shared_ptr<Task>> short_waiting_, long_waiting_;
  std::list<std::shared_ptr<Task>> running_;  // in order of their beginning
  std::set<std::pair<Clock::time_point, Task*>> deadlines_;
  std::set<Task*> known_;
  Work last_ = Work::kPictures;   // what had the device before
  Clock::time_point long_since_;  // begin of a long pass, or of its part after a stop
  double short_seconds_ = 0;      // of the last short pass
  // Cost that was served, and the time for it, of late: the older, the less it counts. All the time so far.
  double served_ = 0, served_seconds_ = 0, all_seconds_ = 0;
  mutable std::mutex stats_mutex_;
  EngineStats stats_;
  std::mutex kept_mutex_;
  std::list<std::weak_ptr<KeptText>> kept_;  // the longest unused first
  std::thread thread_;
};

}  // namespace gatehouse

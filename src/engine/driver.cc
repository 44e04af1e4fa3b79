#include "engine/driver.h"

#include <algorithm>
#include <new>

#include "base/error.h"

namespace gatehouse {
namespace {

// A long pass keeps the device for this share of a short pass's time between two stops: a third of the time
// is its own, and a short request waits half its own time, and for a layer.
constexpr double kLongShare = 0.5;

}  // namespace

Driver::Driver(const Device& device, int prefill_chunk, int64_t most_pages, int64_t feature_bytes)
    : device_(device),
      limits_(device.backend.Limits()),
      prefill_chunk_(prefill_chunk),
      beginnings_(device.pool),
      features_(feature_bytes),
      room_(device.pool, device.prefixes, most_pages),
      thread_([this] { Loop(); }) {}

void Driver::Stop() {
  if (!thread_.joinable()) return;
  inbox_.Stop();
  thread_.join();
}

EngineStats Driver::stats() const {
  std::lock_guard lock(stats_mutex_);
  return stats_;
}

void Driver::Loop() {
  while (!inbox_.stopped()) {
    ReadInbox();
    ExpireDeadlines();
    StartWaiting(/*also_long=*/true);
    RunJobs();
    if (!RunNext()) inbox_.Wait(NextDeadline());
  }
  ReadInbox();
  RunJobs();
  while (!known_.empty()) EndTask(*known_.begin(), {ErrorCode::kCancelled, "closing", "engine", {}, {}});
}

void Driver::RunJobs() {
  while (Inbox::Job* job = inbox_.TakeJob()) {
    job->run();
    inbox_.Finished(job);
  }
}

// Nobody goes twice while work of the next kind waits: pictures before a long pass, either before short ones,
// which stop both.
bool Driver::RunNext() {
  const bool pictures = AnyReady(Work::kPictures), longs = AnyReady(Work::kLong),
             shorts = AnyReady(Work::kShort);
  if (!pictures && !longs && !shorts) return false;
  Work next = Work::kShort;
  if (!shorts || (last_ == Work::kShort && (pictures || longs)))
    next = pictures && (last_ != Work::kPictures || !longs) ? Work::kPictures : Work::kLong;
  if (next == Work::kLong && !longs) next = Work::kPictures;
  last_ = next;
  long_since_ = Clock::now();
  if (next == Work::kPictures) {
    EncodeTile();
  } else {
    RunPass(next);
  }
  return true;
}

// Between two layers of long work. False: nobody wants it any more.
bool Driver::Between() {
  if (inbox_.any()) ReadInbox();
  ExpireDeadlines();
  const bool wanted = std::any_of(running_.begin(), running_.end(),
                                  [](const auto& task) { return task->in_pass_ == 1 && !task->ended_; });
  if (!wanted) return false;
  if (SecondsSince(long_since_) < kLongShare * short_seconds_) return true;
  StartWaiting(/*also_long=*/false);
  if (!AnyReady(Work::kShort)) return true;
  {
    std::lock_guard lock(stats_mutex_);
    ++stats_.stops;
  }
  RunPass(Work::kShort);
  long_since_ = Clock::now();
  return true;
}

// What long work is given, to be stopped by.
BetweenLayers Driver::Stops() {
  // Where operations are enqueued, a stop is a wait for all of them: a device that idles between layers.
  if (limits_.runs_ahead) return {};
  return [this] { return Between(); };
}

bool Driver::AnyReady(Work work) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& task) { return TakesPart(*task, work); });
}

bool Driver::TakesPart(const Task& task, Work work) const {
  if (task.in_pass_ != 0) return false;
  if (task.stage_ == Task::Stage::kPictures) return work == Work::kPictures;
  if (task.stage_ != Task::Stage::kText || work == Work::kPictures) return false;
  // Without stops a text that waited for a pass of its own kind would wait for all of another's.
  return limits_.runs_ahead || task.is_long_ == (work == Work::kLong);
}

void Driver::ReadInbox() {
  uint64_t policy = 0;
  while (Inbox::Letter letter = inbox_.Take()) ReadLetter(letter.task, letter.events);
  // After the letters: who used it has left before it was dropped.
  while (inbox_.TakeDropped(&policy)) {
    beginnings_.Drop(policy);
    device_.prefixes.Drop(policy);
  }
}

void Driver::ReadLetter(const std::shared_ptr<Task>& task, uint32_t events) {
  try {
    if (events & Inbox::kEntered) Enter(task);
    if (events & Inbox::kLeft) Forget(task.get());
    if (events & Inbox::kAsked) Ask(task);
  } catch (const std::bad_alloc&) {
    EndTask(task.get(), OutOfMemory("engine"));
  }
  if (events & Inbox::kCancelled)
    EndTask(task.get(), {ErrorCode::kCancelled, "cancelled", "request", {}, {}});
}

void Driver::ExpireDeadlines() {
  if (deadlines_.empty()) return;
  const auto now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now)
    EndTask(deadlines_.begin()->second, {ErrorCode::kLate, "deadline passed", "request", {}, {}});
}

std::optional<Clock::time_point> Driver::NextDeadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace gatehouse

// Inbox: what other threads tell the driver. Posting takes no memory and cannot fail.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/task.h"

namespace gatehouse {

class Inbox {
 public:
  Inbox() = default;
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  enum Event : uint32_t { kEntered = 1, kAsked = 2, kLeft = 4, kCancelled = 8 };
  struct Letter {
    std::shared_ptr<Task> task;  // null: the inbox is empty
    uint32_t events = 0;
    explicit operator bool() const { return task != nullptr; }
  };
  // Something to do with the device between passes. Whoever posts it waits until it is done.
  struct Job {
    std::function<void()> run;
    bool done = false;
    Job* next = nullptr;
  };

  void Post(const std::shared_ptr<Task>& task, Event event) noexcept;
  void RunAndWait(Job* job);
  // One number, which is taken out of the list.
  void DropPolicy(std::list<uint64_t>* policy) noexcept;
  void Stop() noexcept;

  // The driver's side.
  bool any() const { return any_.load(std::memory_order_acquire); }
  Letter Take() noexcept;
  bool TakeDropped(uint64_t* policy) noexcept;
  Job* TakeJob() noexcept;
  void Finished(Job* job) noexcept;
  bool stopped() const { return stop_.load(); }
  // Until something is there, or the time has come.
  void Wait(std::optional<Clock::time_point> until);

 private:
  mutable std::mutex mutex_;
  std::condition_variable something_, job_done_;
  std::atomic<bool> any_{false};
  std::atomic<bool> stop_{false};
  std::shared_ptr<Task> first_;
  Task* last_ = nullptr;
  Job* first_job_ = nullptr;
  std::list<uint64_t> dropped_;
};

}  // namespace gatehouse

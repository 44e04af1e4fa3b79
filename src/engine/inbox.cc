#include "engine/inbox.h"

#include <utility>

namespace gatehouse {

void Inbox::Post(const std::shared_ptr<Task>& task, Event event) noexcept {
  {
    std::lock_guard lock(mutex_);
    task->events_ |= event;
    // The list goes through the tasks themselves: posting must not fail, so it takes no memory. A task that
    // is in it already only gets one event more.
    if (!task->in_inbox_) {
      task->in_inbox_ = true;
      (last_ == nullptr ? first_ : last_->inbox_next_) = task;
      last_ = task.get();
    }
    any_.store(true, std::memory_order_release);
  }
  something_.notify_one();
}

void Inbox::RunAndWait(Job* job) {
  std::unique_lock lock(mutex_);
  // Jobs lie on the stacks of those who wait for them, and are few.
  Job** end = &first_job_;
  while (*end != nullptr) end = &(*end)->next;
  *end = job;
  any_.store(true, std::memory_order_release);
  something_.notify_one();
  job_done_.wait(lock, [&] { return job->done; });
}

// One by one: a chain of many would let go of itself in as many nested calls.
Inbox::~Inbox() {
  while (first_ != nullptr) first_ = std::move(first_->inbox_next_);
}

void Inbox::DropPolicy(std::list<uint64_t>* policy) noexcept {
  {
    std::lock_guard lock(mutex_);
    dropped_.splice(dropped_.end(), *policy);
    any_.store(true, std::memory_order_release);
  }
  something_.notify_one();
}

void Inbox::Stop() noexcept {
  {
    std::lock_guard lock(mutex_);
    stop_.store(true);
    any_.store(true, std::memory_order_release);
  }
  something_.notify_one();
}

Inbox::Letter Inbox::Take() noexcept {
  std::lock_guard lock(mutex_);
  Letter letter;
  if (first_ == nullptr) {
    // The flag is what the driver looks at between layers, without the lock; only an empty list may lower it.
    any_.store(first_job_ != nullptr || !dropped_.empty() || stop_.load(), std::memory_order_release);
    return letter;
  }
  letter.task = std::move(first_);
  first_ = std::move(letter.task->inbox_next_);
  if (first_ == nullptr) last_ = nullptr;
  letter.task->in_inbox_ = false;
  letter.events = std::exchange(letter.task->events_, 0);
  return letter;
}

bool Inbox::TakeDropped(uint64_t* policy) noexcept {
  std::lock_guard lock(mutex_);
  if (dropped_.empty()) return false;
  *policy = dropped_.front();
  dropped_.pop_front();
  return true;
}

Inbox::Job* Inbox::TakeJob() noexcept {
  std::lock_guard lock(mutex_);
  Job* job = first_job_;
  if (job != nullptr) first_job_ = job->next;
  return job;
}

void Inbox::Finished(Job* job) noexcept {
  {
    std::lock_guard lock(mutex_);
    job->done = true;
  }
  // All: each waits for a job of its own.
  job_done_.notify_all();
}

void Inbox::Wait(std::optional<Clock::time_point> until) {
  std::unique_lock lock(mutex_);
  const auto some = [&] {
    return first_ != nullptr || first_job_ != nullptr || !dropped_.empty() || stop_.load();
  };
  if (until) {
    something_.wait_until(lock, *until, some);
  } else {
    something_.wait(lock, some);
  }
}

}  // namespace gatehouse

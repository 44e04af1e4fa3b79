#include "base/workers.h"

#include <utility>

namespace gatehouse {

Workers::Workers(int threads) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Loop(); });
  } catch (...) {
    Stop(/*all=*/false);  // those that did start
    throw;
  }
}

Workers::~Workers() {
  Stop(/*all=*/false);
  // One by one: a chain of many would let go of itself in as many nested calls.
  while (Take() != nullptr) {
  }
}

void Workers::Stop(bool all) {
  {
    std::lock_guard lock(mutex_);
    stops_ = true;
    stops_at_once_ = stops_at_once_ || !all;
  }
  something_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workers::Append(std::shared_ptr<WorkLane> lane) noexcept {
  WorkLane* raw = lane.get();
  (last_ == nullptr ? first_ : last_->next_) = std::move(lane);
  last_ = raw;
}

void Workers::Post(std::shared_ptr<WorkItem> item, std::shared_ptr<WorkLane> lane) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (item->waits_) return;
    item->waits_ = true;
    WorkItem* raw = item.get();
    const bool was_empty = lane->first_ == nullptr;
    (was_empty ? lane->first_ : lane->last_->next_) = std::move(item);
    lane->last_ = raw;
    if (was_empty) Append(std::move(lane));
  }
  something_.notify_one();
}

// The first item of the next lane, which then is the last. Null: nothing waits.
std::shared_ptr<WorkItem> Workers::Take() noexcept {
  if (first_ == nullptr) return nullptr;
  std::shared_ptr<WorkLane> lane = std::move(first_);
  first_ = std::move(lane->next_);
  if (first_ == nullptr) last_ = nullptr;
  std::shared_ptr<WorkItem> item = std::move(lane->first_);
  lane->first_ = std::move(item->next_);
  item->waits_ = false;
  if (lane->first_ != nullptr) Append(std::move(lane));
  return item;
}

void Workers::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    something_.wait(lock, [this] { return first_ != nullptr || stops_; });
    if (stops_at_once_ || first_ == nullptr) return;
    std::shared_ptr<WorkItem> item = Take();
    lock.unlock();
    item->Run();
    item.reset();
    lock.lock();
  }
}

}  // namespace gatehouse

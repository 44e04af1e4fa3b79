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
  while (first_ != nullptr) first_ = std::move(first_->next_);
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

void Workers::Post(std::shared_ptr<WorkItem> item) noexcept {
  {
    std::lock_guard lock(mutex_);
    if (item->waits_) return;
    item->waits_ = true;
    WorkItem* raw = item.get();
    (last_ == nullptr ? first_ : last_->next_) = std::move(item);
    last_ = raw;
  }
  something_.notify_one();
}

void Workers::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    something_.wait(lock, [this] { return first_ != nullptr || stops_; });
    if (stops_at_once_ || first_ == nullptr) return;
    std::shared_ptr<WorkItem> item = std::move(first_);
    first_ = std::move(item->next_);
    if (first_ == nullptr) last_ = nullptr;
    item->waits_ = false;
    lock.unlock();
    item->Run();
    item.reset();
    lock.lock();
  }
}

}  // namespace gatehouse

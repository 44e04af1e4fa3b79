// AwaitedVerdict: the verdict of a request that somebody waits for.
//
//   const auto awaited = std::make_shared<AwaitedVerdict>();
//   GATEHOUSE_TRY(guard.Submit(conversation, options, AwaitedVerdict::Done(awaited)));
//   Use(awaited->Take());
//
// Shared: the one who tells may still be at it when the other has heard, or waits no more.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "gatehouse/guard.h"

namespace gatehouse {

class AwaitedVerdict {
 public:
  static Guard::Done Done(std::shared_ptr<AwaitedVerdict> awaited) {
    return [awaited = std::move(awaited)](Result<Verdict> verdict) { awaited->Tell(std::move(verdict)); };
  }

  void Tell(Result<Verdict> verdict) {
    const std::lock_guard lock(mutex_);
    verdict_ = std::move(verdict);
    there_.notify_all();
  }
  bool ready() const {
    const std::lock_guard lock(mutex_);
    return verdict_.has_value();
  }
  // Waits for it. Once.
  Result<Verdict> Take() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [this] { return verdict_.has_value(); });
    return std::move(*verdict_);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable there_;
  std::optional<Result<Verdict>> verdict_;
};

}  // namespace gatehouse

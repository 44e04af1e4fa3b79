// LoadedPolicy: a policy with what the guard and the engine keep for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "engine/engine.h"
#include "gatehouse/guard.h"
#include "policy/policy.h"
#include "policy/prompt.h"

namespace gatehouse {

// The way to an engine that may have gone: a policy may outlive its guard.
class EngineLink {
 public:
  explicit EngineLink(Engine* engine) : engine_(engine) {}
  void Cut() {
    std::lock_guard lock(mutex_);
    engine_ = nullptr;
  }
  void Drop(std::list<uint64_t>* policy) noexcept {
    std::lock_guard lock(mutex_);
    if (engine_ != nullptr) engine_->DropPolicy(policy);
  }

 private:
  std::mutex mutex_;
  Engine* engine_;
};

class LoadedPolicy {
 public:
  LoadedPolicy(Policy policy_in, std::shared_ptr<EngineLink> link_in)
      : policy(std::move(policy_in)), link_(std::move(link_in)), number_{NextNumber()} {}
  ~LoadedPolicy() { link_->Drop(&number_); }
  LoadedPolicy(const LoadedPolicy&) = delete;
  LoadedPolicy& operator=(const LoadedPolicy&) = delete;

  const Policy policy;
  uint64_t number() const { return number_.front(); }  // never used again in this process
  FixedTextCache& fixed_texts() const { return fixed_texts_; }

 private:
  static uint64_t NextNumber() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }

  std::shared_ptr<EngineLink> link_;
  std::list<uint64_t> number_;  // one, ready to be handed on without taking memory
  mutable FixedTextCache fixed_texts_;
};

}  // namespace gatehouse

#include "server/limits.h"

#include <algorithm>

namespace gatehouse::server {

double Limits::TakeRequest(const Key& key, Clock::time_point now) {
  if (key.requests_per_minute == 0) return 0;
  const auto most = static_cast<double>(key.requests_per_minute);
  const double per_second = most / 60;
  const std::lock_guard lock(mutex_);
  Use& use = uses_[key.name];
  const double passed = std::chrono::duration<double>(now - use.at).count();
  use.requests = std::max(0.0, use.requests - passed * per_second);
  use.at = now;
  if (use.requests + 1 > most) return (use.requests + 1 - most) / per_second;
  use.requests += 1;
  return 0;
}

std::shared_ptr<void> Limits::TakeTokens(const Key& key, int64_t tokens) {
  if (key.max_unfinished_tokens == 0) return work_;
  const std::lock_guard lock(work_->mutex);
  int64_t& unfinished = work_->tokens[key.name];
  if (unfinished > 0 && unfinished + tokens > key.max_unfinished_tokens) return nullptr;
  unfinished += tokens;
  const auto give_back = [work = work_, name = key.name, tokens](void*) {
    const std::lock_guard own(work->mutex);
    work->tokens[name] -= tokens;
  };
  return std::shared_ptr<void>(work_.get(), give_back);
}

}  // namespace gatehouse::server

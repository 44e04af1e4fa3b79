#include "guard/in_order.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace gatehouse {

// Shared with the one who answers: he may still be at it when nobody waits any more.
struct InOrder::Slot {
  std::mutex mutex;
  std::condition_variable there;
  std::optional<Result<Verdict>> answer;
  std::optional<Request> request;

  bool ready() {
    std::lock_guard lock(mutex);
    return answer.has_value();
  }
};

InOrder::~InOrder() {
  for (Waiting& one : waiting_) {
    if (one.slot->request) one.slot->request->Cancel();
  }
}

Result<void> InOrder::DeliverFirst() {
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  std::unique_lock lock(first.slot->mutex);
  first.slot->there.wait(lock, [&] { return first.slot->answer.has_value(); });
  return first.deliver(std::move(*first.slot->answer));
}

Result<void> InOrder::DeliverReady() {
  while (!waiting_.empty() && waiting_.front().slot->ready()) GATEHOUSE_TRY(DeliverFirst());
  return {};
}

Result<void> InOrder::Put(const Conversation& conversation, const ClassifyOptions& options, Deliver deliver) {
  while (static_cast<int>(waiting_.size()) >= most_) GATEHOUSE_TRY(DeliverFirst());
  const auto slot = std::make_shared<Slot>();
  const auto done = [slot](Result<Verdict> verdict) {
    std::lock_guard lock(slot->mutex);
    slot->answer = std::move(verdict);
    slot->there.notify_all();
  };
  while (true) {
    Result<Request> request = guard_.Submit(conversation, options, done);
    if (request.ok()) {
      slot->request = std::move(*request);
      break;
    }
    // Too much at once: the line is as long as there is room.
    if (request.error().code == ErrorCode::kBusy && !waiting_.empty()) {
      GATEHOUSE_TRY(DeliverFirst());
      continue;
    }
    slot->answer = request.error();
    break;
  }
  waiting_.push_back({slot, std::move(deliver)});
  return DeliverReady();
}

Result<void> InOrder::Put(Result<Verdict> answer, Deliver deliver) {
  const auto slot = std::make_shared<Slot>();
  slot->answer = std::move(answer);
  waiting_.push_back({slot, std::move(deliver)});
  return DeliverReady();
}

Result<void> InOrder::Flush() {
  while (!waiting_.empty()) GATEHOUSE_TRY(DeliverFirst());
  return {};
}

}  // namespace gatehouse

#include "guard/in_order.h"

#include <utility>

namespace gatehouse {

InOrder::~InOrder() {
  for (Waiting& one : waiting_) {
    if (one.request) one.request->Cancel();
  }
}

Result<void> InOrder::DeliverFirst() {
  Waiting first = std::move(waiting_.front());
  waiting_.pop_front();
  return first.deliver(first.verdict->Take());
}

Result<void> InOrder::DeliverReady() {
  while (!waiting_.empty() && waiting_.front().verdict->ready()) GATEHOUSE_TRY(DeliverFirst());
  return {};
}

Result<void> InOrder::Put(const Conversation& conversation, const ClassifyOptions& options, Deliver deliver) {
  while (static_cast<int>(waiting_.size()) >= most_) GATEHOUSE_TRY(DeliverFirst());
  Waiting last{std::make_shared<AwaitedVerdict>(), {}, std::move(deliver)};
  while (true) {
    Result<Request> request = guard_.Submit(conversation, options, AwaitedVerdict::Done(last.verdict));
    if (request.ok()) {
      last.request = std::move(*request);
      break;
    }
    // Too much at once: the line is as long as there is room.
    if (request.error().code == ErrorCode::kBusy && !waiting_.empty()) {
      GATEHOUSE_TRY(DeliverFirst());
      continue;
    }
    last.verdict->Tell(request.error());
    break;
  }
  waiting_.push_back(std::move(last));
  return DeliverReady();
}

Result<void> InOrder::Put(Result<Verdict> answer, Deliver deliver) {
  waiting_.push_back({std::make_shared<AwaitedVerdict>(), {}, std::move(deliver)});
  waiting_.back().verdict->Tell(std::move(answer));
  return DeliverReady();
}

Result<void> InOrder::Flush() {
  while (!waiting_.empty()) GATEHOUSE_TRY(DeliverFirst());
  return {};
}

}  // namespace gatehouse

// InOrder: several requests on their way at once, answers in the order of the questions: for files of many
// lines.
//
//   InOrder line(guard, 16);
//   for (each conversation) GATEHOUSE_TRY(line.Put(conversation, options, deliver));
//   GATEHOUSE_TRY(line.Flush());
//
// Used by one thread, which delivers.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "guard/awaited_verdict.h"

namespace gatehouse {

class InOrder {
 public:
  // Gets the verdict, or why there is none. An error of its own ends the line: Put and Flush return it.
  using Deliver = std::function<Result<void>(Result<Verdict>)>;

  // most: on their way at once; 1: one by one.
  InOrder(const Guard& guard, int most) : guard_(guard), most_(most) {}
  ~InOrder();  // cancels what was not delivered
  InOrder(const InOrder&) = delete;
  InOrder& operator=(const InOrder&) = delete;

  Result<void> Put(const Conversation& conversation, const ClassifyOptions& options, Deliver deliver);
  // The answer is there already.
  Result<void> Put(Result<Verdict> answer, Deliver deliver);
  // Delivers all.
  Result<void> Flush();

 private:
  struct Waiting {
    std::shared_ptr<AwaitedVerdict> verdict;
    std::optional<Request> request;  // none: the answer was there already
    Deliver deliver;
  };
  Result<void> DeliverFirst();
  // What has come, without waiting for more.
  Result<void> DeliverReady();

  const Guard& guard_;
  const int most_;
  std::deque<Waiting> waiting_;
};

}  // namespace gatehouse

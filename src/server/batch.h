// Batch: the conversations of one request on their way through the guard, told together. The first that
// cannot be judged ends them all.
//
//   const auto batch = Batch::Begin(guard, std::move(asked), [reply](Result<std::vector<Verdict>> verdicts)
//   {...}); reply->OnGone([batch] { batch->Cancel(); });
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gatehouse/guard.h"
#include "gatehouse/result.h"
#include "server/asked.h"
#include "server/http/outgoing.h"

namespace gatehouse::server {

class Batch : public std::enable_shared_from_this<Batch> {
 public:
  // Called once, on one of the guard's threads or before Begin returns.
  using Done = std::function<void(Result<std::vector<Verdict>>)>;

  // Takes conversations and options of asked.
  static std::shared_ptr<Batch> Begin(const Guard& guard, Asked* asked, Done done);
  // The same for conversations of one name, with Done on the thread of `loop`, where what it holds is let go
  // too: whoever lives there must not end on another thread.
  static std::shared_ptr<Batch> BeginOn(Outgoing& loop, const Guard& guard,
                                        std::vector<Conversation> conversations, const std::string& name,
                                        ClassifyOptions options, Done done);
  void Cancel();

 private:
  explicit Batch(Done done) : done_(std::move(done)) {}
  void On(size_t index, const std::string& name, Result<Verdict> verdict);
  void Keep(gatehouse::Request handle);
  void End(Result<std::vector<Verdict>> result);
  bool is_over();

  std::mutex mutex_;
  Done done_;
  std::vector<Verdict> verdicts_;
  size_t left_ = 0;
  bool over_ = false;
  std::vector<gatehouse::Request> handles_;
};

}  // namespace gatehouse::server

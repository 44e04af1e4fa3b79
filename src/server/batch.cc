#include "server/batch.h"

#include <new>
#include <utility>

#include "base/error.h"
#include "guard/guard_impl.h"

namespace gatehouse::server {
namespace {

// The first decides for all: a request that is late by itself is late, not refused.
Result<gatehouse::Request> SubmitPart(const Guard& guard, Conversation conversation,
                                      const ClassifyOptions& options, bool first, Guard::Done done) {
  try {
    RequestContext context;
    context.refuse_late = first;
    return ImplOf(guard).Submit(std::move(conversation), options, std::move(done), std::move(context));
  } catch (const std::bad_alloc&) {
    return OutOfMemory("request");
  }
}

}  // namespace

std::shared_ptr<Batch> Batch::Begin(const Guard& guard, Asked* asked, Done done) {
  std::shared_ptr<Batch> self(new Batch(std::move(done)));
  const size_t count = asked->conversations.size();
  self->verdicts_.resize(count);
  self->left_ = count;
  for (size_t i = 0; i < count && !self->is_over(); ++i) {
    Result<gatehouse::Request> handle =
        SubmitPart(guard, std::move(asked->conversations[i]), asked->options, i == 0,
                   [self, i, name = asked->names[i]](Result<Verdict> verdict) {
                     self->On(i, name, std::move(verdict));
                   });
    if (!handle.ok()) {
      self->End(handle.error());
    } else {
      self->Keep(std::move(*handle));
    }
  }
  return self;
}

std::shared_ptr<Batch> Batch::BeginOn(Outgoing& loop, const Guard& guard,
                                      std::vector<Conversation> conversations, const std::string& name,
                                      ClassifyOptions options, Done done) {
  Asked asked;
  asked.names.assign(conversations.size(), name);
  asked.conversations = std::move(conversations);
  asked.options = std::move(options);
  return Begin(guard, &asked, [&loop, done = std::move(done)](Result<std::vector<Verdict>> verdicts) mutable {
    loop.Post([done = std::exchange(done, {}), verdicts = std::move(verdicts)]() mutable {
      done(std::move(verdicts));
    });
  });
}

bool Batch::is_over() {
  const std::lock_guard lock(mutex_);
  return over_;
}

void Batch::Keep(gatehouse::Request handle) {
  {
    const std::lock_guard lock(mutex_);
    if (!over_) {
      handles_.push_back(std::move(handle));
      return;
    }
  }
  handle.Cancel();
}

void Batch::On(size_t index, const std::string& name, Result<Verdict> verdict) {
  if (!verdict.ok()) {
    End(verdict.error().code == ErrorCode::kBadInput ? Within(name, verdict.error()) : verdict.error());
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    verdicts_[index] = std::move(*verdict);
    if (--left_ > 0) return;
  }
  End(std::move(verdicts_));
}

void Batch::Cancel() { End(Error{ErrorCode::kCancelled, "the client left", {}, {}, {}}); }

void Batch::End(Result<std::vector<Verdict>> result) {
  Done done;
  std::vector<gatehouse::Request> handles;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(over_, true)) return;
    done = std::move(done_);
    handles = std::move(handles_);
  }
  // Those that are answered notice nothing. Without the lock: one that ends may say so at once.
  for (gatehouse::Request& handle : handles) handle.Cancel();
  done(std::move(result));
}

}  // namespace gatehouse::server

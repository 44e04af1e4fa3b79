#include "guard/side_by_side.h"

#include <new>
#include <utility>

#include "base/error.h"
#include "guard/judging.h"

namespace gatehouse {

void SideBySide::Add(Guard::Impl& guard, size_t number, Conversation conversation,
                     const ClassifyOptions& request, RequestContext how) {
  const auto done = [self = shared_from_this(), number](Result<Verdict> verdict) {
    self->OnDone(number, std::move(verdict));
  };
  added_.push_back(std::make_shared<Judging>(guard, std::move(conversation), request, done, std::move(how)));
  parts_.push_back(added_.back());
}

void SideBySide::Begin() noexcept {
  const std::vector<std::shared_ptr<Judging>> begun = std::move(added_);
  {
    const std::lock_guard lock(mutex_);
    left_ = begun.size();
  }
  if (begun.empty()) Tell();
  for (const auto& part : begun) part->Begin();
  // One may have failed before the next began.
  bool late = false;
  {
    const std::lock_guard lock(mutex_);
    late = sent_away_;
  }
  if (late) Cancel();
}

// Each part that has not ended is still going to tell, and what ends by this call ends on another thread.
void SideBySide::Cancel() noexcept {
  {
    const std::lock_guard lock(mutex_);
    sent_away_ = true;
  }
  for (const std::weak_ptr<Judging>& part : parts_) {
    if (const auto judging = part.lock()) judging->Cancel();
  }
}

void SideBySide::OnDone(size_t number, Result<Verdict> verdict) noexcept {
  bool all = false, failed = false;
  {
    const std::lock_guard lock(mutex_);
    all = --left_ == 0;
    if (verdict.ok()) {
      verdicts_[number] = std::move(*verdict);
    } else if (!error_) {
      error_ = CopyOrOutOfMemory(verdict.error(), "request");
      failed = !all;
    }
  }
  if (failed) Cancel();
  if (all) Tell();
}

void SideBySide::Tell() noexcept {
  const Done done = std::move(done_);
  if (error_) {
    done(std::move(*error_));
    return;
  }
  try {
    std::vector<Verdict> out;
    out.reserve(verdicts_.size());
    for (std::optional<Verdict>& verdict : verdicts_) out.push_back(std::move(*verdict));
    done(std::move(out));
  } catch (const std::bad_alloc&) {
    done(OutOfMemory("request"));
  }
}

}  // namespace gatehouse

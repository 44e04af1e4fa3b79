// SideBySide: the windows of one conversation on their way, side by side. It tells their verdicts once
// all of them are done; the first that fails sends the others away.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "guard/guard_impl.h"

namespace gatehouse {

class SideBySide : public std::enable_shared_from_this<SideBySide> {
 public:
  using Done = std::function<void(Result<std::vector<Verdict>>)>;
  // known: one for each, empty where it is to be judged.
  SideBySide(std::vector<std::optional<Verdict>> known, Done done)
      : verdicts_(std::move(known)), done_(std::move(done)) {}

  bool Knows(size_t number) const { return verdicts_[number].has_value(); }
  // Takes one of them; nothing begins yet. Throws std::bad_alloc. Those that do not begin must be dropped:
  // they hold this object.
  void Add(Guard::Impl& guard, size_t number, Conversation conversation, const ClassifyOptions& request,
           RequestContext how);
  // Each of them begins; done is called even where none was added.
  void Begin() noexcept;
  void Cancel() noexcept;
  struct Unbegun {
    ~Unbegun() { parts.added_.clear(); }
    SideBySide& parts;
  };

 private:
  void OnDone(size_t number, Result<Verdict> verdict) noexcept;
  void Tell() noexcept;

  std::mutex mutex_;
  std::vector<std::optional<Verdict>> verdicts_;
  std::vector<std::shared_ptr<Judging>> added_;  // until they begin
  std::vector<std::weak_ptr<Judging>> parts_;
  size_t left_ = 0;
  bool sent_away_ = false;
  std::optional<Error> error_;
  Done done_;
};

}  // namespace gatehouse

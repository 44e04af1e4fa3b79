// Which verdicts a streamed answer needs and when, and what follows from them.
#include <algorithm>
#include <utility>

#include "guard/loaded_policy.h"
#include "server/guarded_stream.h"
#include "server/proxy_answer.h"

namespace gatehouse::server {
namespace {

constexpr std::chrono::milliseconds kShortest{20}, kLongest{1000};

}  // namespace

void GuardedStream::AddDue(StreamedChoice& choice, bool whole) {
  choice.due.push_back({choice.position, choice.message, whole});
  choice.due_tokens = choice.tokens;
}

// What grows slowly is judged after some time, so that it leaves.
void GuardedStream::SetCheckTimer() {
  const int wait = setup_.room.settings.check_ms;
  if (wait == 0 || !judges() || check_timer_ != nullptr) return;
  const bool any = std::any_of(choices_.begin(), choices_.end(), [](const auto& entry) {
    const StreamedChoice& choice = entry.second;
    return !choice.blocked && !choice.finished && choice.due.empty() && choice.tokens > choice.due_tokens;
  });
  if (!any) return;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last_check_);
  check_timer_ =
      setup_.room.loop.After(std::max(std::chrono::milliseconds(wait) - passed, std::chrono::milliseconds(1)),
                             [weak = weak_from_this()] {
                               const auto self = weak.lock();
                               if (self == nullptr || self->over_) return;
                               self->check_timer_ = nullptr;
                               for (auto& [index, choice] : self->choices_) {
                                 const bool waits = !choice.blocked && !choice.finished && choice.due.empty();
                                 if (waits && choice.tokens > choice.due_tokens && choice.CanBeJudged())
                                   self->AddDue(choice, false);
                               }
                               self->Go();
                             });
}

void GuardedStream::RunChecks() {
  // One that fails ends them all.
  for (auto next = choices_.begin(); !over_ && next != choices_.end();) {
    auto& [index, choice] = *next++;
    if (choice.checking || choice.due.empty() || busy_timer_ != nullptr) continue;
    // Where time counts, the latest stands for those before it.
    while (setup_.room.settings.check_ms > 0 && choice.due.size() > 1) choice.due.pop_front();
    Check(index, choice);
    if (over_) return;
  }
}

void GuardedStream::Check(int64_t index, StreamedChoice& choice) {
  const std::shared_ptr<const Guard> guard = setup_.guard.lock();
  if (guard == nullptr) return Break(Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}}, false);
  const StreamedChoice::Due& due = choice.due.front();
  Result<Conversation> conversation =
      WithAnswer(setup_.before, due.message, "delta", setup_.room.settings.leave_out ? &left_out_ : nullptr);
  if (!conversation.ok()) return Break(conversation.error(), true);
  choice.checking = true;
  last_check_ = Clock::now();
  if (choice.due_since == Clock::time_point()) choice.due_since = last_check_;
  ClassifyOptions options = setup_.options;
  const bool may_open = setup_.open_after.count() > 0;
  if (may_open) options.deadline = choice.due_since + setup_.open_after;
  Result<gatehouse::Request> handle = choice.answer.Submit(
      *guard, std::move(*conversation), std::move(options), due.whole,
      // The last to let this go must be its own thread.
      [self = shared_from_this(), index](Result<Verdict> verdict) mutable {
        Outgoing& loop = self->setup_.room.loop;
        loop.Post([self = std::move(self), index, verdict = std::move(verdict)]() mutable {
          if (!self->over_) self->OnVerdict(index, std::move(verdict));
        });
      });
  if (handle.ok()) return;
  choice.checking = false;
  const bool busy = handle.error().code == ErrorCode::kBusy;
  const bool waits = busy && !(may_open && last_check_ >= choice.due_since + setup_.open_after);
  if (!waits) {
    if (!GoesOnUnjudged(choice, handle.error())) Break(handle.error(), false);
    return;
  }
  // A stream that has begun is not refused: it waits.
  const auto wait = std::chrono::milliseconds(static_cast<int64_t>(handle.error().retry_after * 1e3));
  busy_timer_ = setup_.room.loop.After(std::clamp(wait, kShortest, kLongest), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->over_) return;
    self->busy_timer_ = nullptr;
    self->Go();
  });
}

void GuardedStream::OnVerdict(int64_t index, Result<Verdict> verdict) {
  StreamedChoice& choice = choices_.at(index);
  if (!verdict.ok()) {
    choice.checking = false;
    if (!GoesOnUnjudged(choice, verdict.error())) return Break(verdict.error(), false);
    return Go();
  }
  choice.checking = false;
  choice.due_since = {};
  last_check_ = Clock::now();
  const StreamedChoice::Due due = std::move(choice.due.front());
  choice.due.pop_front();
  const Action action = ActionOf(*verdict, setup_.actions, setup_.filtered, setup_.asks);
  action_ = std::max(action_, action);
  if (due.whole || verdict->unsafe)
    setup_.room.metrics.OnVerdict(*verdict, setup_.options.policy->policy, NameOf(action));
  if (!choice.verdict || !choice.verdict->unsafe) choice.verdict = std::move(*verdict);
  if (action == Action::kBlock) {
    Block(index, choice);
  } else {
    choice.safe = due.position;
  }
  if (!over_) Go();
}

bool GuardedStream::GoesOnUnjudged(StreamedChoice& choice, const Error& error) {
  if (setup_.open_after.count() == 0 || !IsGuardFailure(error)) return false;
  setup_.room.metrics.OnFailOpen("output");
  failure_ = error;
  NoteUnjudged("output");
  choice.safe = choice.due.front().position;
  choice.due.pop_front();
  choice.due_since = {};
  return true;
}

// What was not judged safe goes; the choice ends.
void GuardedStream::Block(int64_t index, StreamedChoice& choice) {
  const ProxySettings& settings = setup_.room.settings;
  choice.blocked = true;
  choice.due.clear();
  if (auto error = began_ ? std::nullopt : BlockedError(settings)) {
    const auto refuse = std::move(setup_.refuse);
    Stop();
    return refuse(std::move(*error));
  }
  DropEventsOf(index);
  Json delta = Json::object();
  if (!choice.left)
    delta = {{"role", "assistant"},
             {"content", settings.on_block == OnBlock::kRefusal ? settings.refusal : ""}};
  Json last = {{"index", index},
               {"delta", std::move(delta)},
               {"logprobs", nullptr},
               {"finish_reason", "content_filter"}};
  Event event;
  event.data = JsonLine(Chunk(Json::array({std::move(last)})));
  // Where the upstream is done, its [DONE] stays the last.
  if (done_ && !queue_.empty()) {
    queue_.insert(queue_.end() - 1, std::move(event));
  } else {
    queue_.push_back(std::move(event));
  }
  int64_t blocked = 0;
  for (const auto& [other, state] : choices_) blocked += state.blocked;
  if (blocked < setup_.choices) return;
  // Nothing more can come of it.
  setup_.call->Cancel();
  at_end_ = true;
  std::erase_if(queue_, [](const Event& e) { return !e.json.is_null(); });
  if (!std::exchange(done_, true)) {
    Event end;
    end.data = "[DONE]";
    queue_.push_back(std::move(end));
  }
}

}  // namespace gatehouse::server

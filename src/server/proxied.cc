#include "server/proxied.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "guard/loaded_policy.h"
#include "policy/raw_member.h"
#include "policy/verdict.h"
#include "server/errors.h"

namespace gatehouse::server {
namespace {

using Clock = std::chrono::steady_clock;

const char* const kSides[] = {"input", "output"};

}  // namespace

Proxied::Proxied(ProxyRoom room, Request request, std::shared_ptr<Reply> reply, Asker asker)
    : room_(room),
      request_(std::move(request)),
      reply_(std::move(reply)),
      asker_(std::move(asker)),
      deadline_(Clock::now() + std::chrono::duration_cast<Clock::duration>(asker_.timeout)) {}

void Proxied::Begin() {
  const ProxySettings& settings = room_.settings;
  Result<ProxyRequest> read = ReadProxyRequest(request_, settings, asker_.max_image_bytes);
  if (read.ok()) {
    asked_ = std::move(*read);
  } else if (settings.shadow && RawMember(request_.body, "moderation").empty()) {
    // Whether it can be read is the upstream's business alone.
    asked_.body = request_.body;
    Shadow(room_, asker_, request_.id).Tell("input", read.error());
  } else {
    return Answer(ResponseOf(read.error()));
  }
  if (asked_.thresholds) {
    Thresholds& own = asker_.options.thresholds;
    own = Stricter(asker_.options.policy->policy, own, *asked_.thresholds);
  }
  NoteLeftOut(kInput, !asked_.left_out.empty());
  if (!asked_.conversation.messages.empty()) {
    work_ = asker_.take_tokens(asked_.inputs);
    if (work_ == nullptr)
      return Answer(RetryLater(429, "too many unfinished tokens of this key", "rate_limit_exceeded", 1));
  }
  const std::weak_ptr<Proxied> weak = weak_from_this();
  reply_->OnGone([weak, &loop = room_.loop] {
    loop.Post([weak] {
      if (const auto self = weak.lock()) self->Leave();
    });
  });
  late_ = room_.loop.After(std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()), [weak] {
    if (const auto self = weak.lock()) self->OnLate();
  });
  // A client that asks for verdicts waits for them.
  casts_shadow_ = settings.shadow && !asked_.wants_moderation;
  if (casts_shadow_ && !asked_.conversation.messages.empty()) {
    shadow_ = std::make_shared<Shadow>(room_, asker_, request_.id);
    shadow_->JudgeInput(std::exchange(asked_.inputs, {}));
  }
  input_done_ = asked_.inputs.empty();
  if (!input_done_)
    Judge(asked_.inputs, "messages", [this](Verdicts verdicts) { OnInput(std::move(verdicts)); });
  if (input_done_ || settings.input_beside) CallUpstream();
}

void Proxied::Judge(std::vector<Conversation> conversations, const std::string& name,
                    std::function<void(Verdicts)> then) {
  const std::shared_ptr<const Guard> guard = asker_.guard.lock();
  if (guard == nullptr) return then(Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}});
  ClassifyOptions options = asker_.options;
  // What goes on without a verdict needs time for that.
  const Clock::time_point now = Clock::now();
  options.deadline = room_.settings.fail_open ? now + (deadline_ - now) / 2 : deadline_;
  batch_ = Batch::BeginOn(room_.loop, *guard, std::move(conversations), name, std::move(options),
                          [self = shared_from_this(), then = std::move(then)](Verdicts verdicts) {
                            if (!self->over_) then(std::move(verdicts));
                          });
}

// The strongest action for them, and for each whether it is blocked.
Action Proxied::Record(Side side, const std::vector<Verdict>& verdicts, std::vector<bool>* blocked) {
  const ProxySettings& settings = room_.settings;
  const bool filtered = !settings.shadow && (side == kInput ? settings.input : settings.output);
  Action out = Action::kIgnore;
  for (const Verdict& verdict : verdicts) {
    const Action action =
        ActionOf(verdict, asker_.actions, filtered, side == kInput ? asked_.input : asked_.output);
    blocked->push_back(action == Action::kBlock);
    out = std::max(out, action);
    room_.metrics.OnVerdict(verdict, asker_.options.policy->policy, NameOf(action));
  }
  moderation_[side] = ModerationResults(verdicts);
  if (!verdicts.empty()) notes_.emplace_back(kSides[side], NameOf(out));
  return out;
}

bool Proxied::GoesOnUnjudged(Side side, const Error& error) {
  if (!room_.settings.fail_open || !IsGuardFailure(error)) return false;
  room_.metrics.OnFailOpen(kSides[side]);
  unjudged_.emplace_back(kSides[side]);
  moderation_[side] = ModerationError(error);
  notes_.emplace_back("unjudged", std::string(kSides[side]) + ": " + error.what);
  return true;
}

void Proxied::NoteLeftOut(Side side, bool any) {
  if (!any) return;
  unjudged_.push_back(kSides[side] + std::string("-parts"));
  notes_.emplace_back("unjudged", unjudged_.back());
}

void Proxied::OnInput(Verdicts verdicts) {
  batch_ = nullptr;
  if (!verdicts.ok()) {
    if (!GoesOnUnjudged(kInput, verdicts.error())) return Answer(ResponseOf(verdicts.error()));
  } else {
    std::vector<bool> blocked;
    if (Record(kInput, *verdicts, &blocked) == Action::kBlock)
      return Answer(BlockedResponse(room_.settings, asked_.model, asked_.stream, ModerationOf()));
  }
  input_done_ = true;
  if (call_ == nullptr) return CallUpstream();
  if (has_head_) OnHead();
}

Json Proxied::ModerationOf() const {
  Json out = {{"input", moderation_[kInput]}, {"output", moderation_[kOutput]}};
  if (!unjudged_.empty()) out["unjudged"] = unjudged_;
  return out;
}

void Proxied::CallUpstream() {
  OutgoingLimits limits = room_.settings.limits;
  limits.first_byte = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
  call_ = room_.loop.Send(
      {"POST", "/chat/completions", UpstreamHeaders(request_, room_.settings), std::move(asked_.body)},
      limits, [self = shared_from_this()](Result<OutgoingHead> head) {
        if (self->over_) return;
        if (!head.ok()) return self->Fail(head.error());
        self->head_ = std::move(*head);
        self->has_head_ = true;
        self->notes_.emplace_back("upstream", std::to_string(self->head_.status));
        self->room_.metrics.OnUpstream(std::to_string(self->head_.status));
        // Nothing of it is read before the request was judged.
        if (self->input_done_) self->OnHead();
      });
}

void Proxied::Answer(Response response) {
  if (std::exchange(over_, true)) return;
  late_ = nullptr;
  work_ = nullptr;
  if (batch_ != nullptr) batch_->Cancel();
  if (const auto stream = std::exchange(stream_, nullptr)) stream->Stop();
  if (call_ != nullptr) call_->Cancel();
  response.notes.insert(response.notes.end(), notes_.begin(), notes_.end());
  reply_->Send(std::move(response));
}

void Proxied::Fail(const Error& error) {
  if (!has_head_) room_.metrics.OnUpstream(error.code == ErrorCode::kLate ? "late" : "failed");
  notes_.emplace_back("problem", error.Message());
  Answer(UpstreamFailure(error));
}

void Proxied::OnLate() {
  if (over_) return;
  if (batch_ != nullptr) return Answer(ResponseOf({ErrorCode::kLate, "no verdict in time", {}, {}, {}}));
  Fail({ErrorCode::kLate, "no answer in time", {}, {}, {}});
}

void Proxied::Leave() {
  if (shadow_ != nullptr) shadow_->Stop();
  if (std::exchange(over_, true)) return;
  late_ = nullptr;
  work_ = nullptr;
  if (batch_ != nullptr) batch_->Cancel();
  const auto piped = std::exchange(piped_, nullptr);
  if (piped != nullptr) return piped->Stop();
  const auto stream = std::exchange(stream_, nullptr);
  if (stream != nullptr) return stream->Stop();
  if (call_ != nullptr) call_->Cancel();
}

}  // namespace gatehouse::server

#include "server/proxied.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "guard/loaded_policy.h"
#include "server/errors.h"
#include "server/proxy_answer.h"

namespace gatehouse::server {
namespace {

using Clock = std::chrono::steady_clock;

// What a client has not taken yet; more is not read from the upstream.
constexpr size_t kMostWaiting = 256u << 10;

bool HasType(const OutgoingHead& head, std::string_view type) {
  const std::string* found = head.Find("content-type");
  if (found == nullptr) return false;
  const std::string_view own = std::string_view(*found).substr(0, type.size());
  const bool ends = found->size() == own.size() || (*found)[own.size()] == ';' || (*found)[own.size()] == ' ';
  return SameName(own, type) && ends;
}

bool StartsWith(const std::string& text, std::string_view prefix) { return text.starts_with(prefix); }

}  // namespace

Response UpstreamFailure(const Error& error) {
  if (error.code == ErrorCode::kLate)
    return ErrorResponse(504, "the upstream did not answer in time", "upstream_timeout");
  return ErrorResponse(502, "the upstream gave no answer that can be used", "upstream_error");
}

Headers HeadersForClient(const OutgoingHead& head) {
  Headers out;
  for (const auto& [name, value] : head.headers) {
    const bool good = name == "content-type" || name == "retry-after" || StartsWith(name, "openai-") ||
                      StartsWith(name, "x-ratelimit-");
    if (good) out.emplace_back(name, value);
  }
  return out;
}

Proxied::Proxied(ProxyRoom room, Request request, std::shared_ptr<Reply> reply, Asker asker)
    : room_(room),
      request_(std::move(request)),
      reply_(std::move(reply)),
      asker_(std::move(asker)),
      deadline_(Clock::now() + std::chrono::duration_cast<Clock::duration>(asker_.timeout)) {}

void Proxied::Begin() {
  Result<ProxyRequest> read = ReadProxyRequest(request_, room_.settings, asker_.max_image_bytes);
  if (!read.ok()) return Answer(ResponseOf(read.error()));
  asked_ = std::move(*read);
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
  if (asked_.inputs.empty()) return CallUpstream();
  Judge(asked_.inputs, "messages", [this](Verdicts verdicts) { OnInput(std::move(verdicts)); });
}

void Proxied::Judge(std::vector<Conversation> conversations, const std::string& name,
                    std::function<void(Verdicts)> then) {
  const std::shared_ptr<const Guard> guard = asker_.guard.lock();
  if (guard == nullptr) return then(Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}});
  Asked asked;
  asked.names.assign(conversations.size(), name);
  asked.conversations = std::move(conversations);
  asked.options = asker_.options;
  asked.options.deadline = deadline_;
  // The last to let this go must be its own thread.
  batch_ = Batch::Begin(
      *guard, &asked, [self = shared_from_this(), then = std::move(then)](Verdicts verdicts) mutable {
        Outgoing& loop = self->room_.loop;
        loop.Post([self = std::move(self), then = std::move(then), verdicts = std::move(verdicts)]() mutable {
          if (!self->over_) then(std::move(verdicts));
        });
      });
}

// The strongest action for them, and for each whether it is blocked.
Action Proxied::Record(const std::vector<Verdict>& verdicts, bool filtered, Asks asks,
                       std::vector<bool>* blocked) {
  Action out = Action::kIgnore;
  for (const Verdict& verdict : verdicts) {
    const Action action = ActionOf(verdict, asker_.actions, filtered, asks);
    blocked->push_back(action == Action::kBlock);
    out = std::max(out, action);
    room_.metrics.OnVerdict(verdict, asker_.options.policy->policy, NameOf(action));
  }
  return out;
}

void Proxied::OnInput(Verdicts verdicts) {
  batch_ = nullptr;
  if (!verdicts.ok()) return Answer(ResponseOf(verdicts.error()));
  inputs_ = std::move(*verdicts);
  std::vector<bool> blocked;
  const Action action = Record(inputs_, room_.settings.input, asked_.input, &blocked);
  notes_.emplace_back("input", NameOf(action));
  if (action == Action::kBlock)
    return Answer(BlockedResponse(room_.settings, asked_.model, asked_.stream, ModerationOf()));
  CallUpstream();
}

Json Proxied::ModerationOf() const {
  return {{"input", ModerationResults(inputs_)}, {"output", ModerationResults(outputs_)}};
}

void Proxied::CallUpstream() {
  OutgoingLimits limits = room_.settings.limits;
  limits.first_byte = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
  call_ = room_.loop.Send(
      {"POST", "/chat/completions", UpstreamHeaders(request_, room_.settings), std::move(asked_.body)},
      limits, [self = shared_from_this()](Result<OutgoingHead> head) { self->OnHead(std::move(head)); });
}

void Proxied::OnHead(Result<OutgoingHead> head) {
  if (over_) return;
  if (!head.ok()) return Fail(head.error());
  head_ = std::move(*head);
  notes_.emplace_back("upstream", std::to_string(head_.status));
  room_.metrics.OnUpstream(std::to_string(head_.status));
  if (head_.status >= 400)
    return Collect([this] { Answer({head_.status, HeadersForClient(head_), std::move(body_)}); });
  const bool judges = judges_output();
  const bool events = HasType(head_, "text/event-stream");
  if (head_.status != 200 || (judges && !events && !HasType(head_, "application/json")) ||
      (judges && events != asked_.stream)) {
    return Fail({ErrorCode::kBadInput, "neither an answer nor events", {}, {}, {}});
  }
  if (events) return SendStream();
  Collect([this, judges] {
    if (!judges && !asked_.wants_moderation) return Answer({200, HeadersForClient(head_), std::move(body_)});
    Result<ProxyAnswer> answer = ReadProxyAnswer(body_, asked_.conversation);
    if (!answer.ok()) return Fail(answer.error());
    if (!judges || answer->choices.empty()) return OnOutput(std::move(answer->root), std::vector<Verdict>());
    const auto root = std::make_shared<Json>(std::move(answer->root));
    Judge(std::move(answer->choices), "choices",
          [this, root](Verdicts verdicts) { OnOutput(std::move(*root), std::move(verdicts)); });
  });
}

void Proxied::OnOutput(Json root, Verdicts verdicts) {
  batch_ = nullptr;
  if (!verdicts.ok()) return Answer(ResponseOf(verdicts.error()));
  outputs_ = std::move(*verdicts);
  std::vector<bool> blocked;
  const Action action = Record(outputs_, room_.settings.output, asked_.output, &blocked);
  if (!outputs_.empty()) notes_.emplace_back("output", NameOf(action));
  const bool blocks = action == Action::kBlock;
  if (auto error = blocks ? BlockedError(room_.settings) : std::nullopt) return Answer(std::move(*error));
  Response response{200, HeadersForClient(head_), {}};
  response.body = blocks || asked_.wants_moderation
                      ? WithBlocked(std::move(root), blocked, room_.settings, ModerationOf())
                      : std::move(body_);
  Answer(std::move(response));
}

void Proxied::Collect(std::function<void()> then) {
  call_->Read([self = shared_from_this(), then = std::move(then)](Result<std::string> bytes) {
    if (self->over_) return;
    if (!bytes.ok()) return self->Fail(bytes.error());
    if (bytes->empty()) return then();
    self->body_ += *bytes;
    self->Collect(then);
  });
}

void Proxied::SendStream() {
  if (judges_output() || asked_.wants_moderation) {
    GuardedStream::Setup setup{room_, asker_.guard, asker_.options, asker_.actions, asked_.output};
    setup.before = asked_.conversation;
    setup.choices = asked_.choices;
    setup.wants_moderation = asked_.wants_moderation;
    setup.input = ModerationResults(inputs_);
    setup.headers = HeadersForClient(head_);
    setup.reply = reply_;
    setup.call = call_;
    setup.notes = notes_;
    const auto self = shared_from_this();
    setup.refuse = [self](Response response) { self->Answer(std::move(response)); };
    setup.on_begin = [self] { self->late_ = nullptr; };
    setup.on_end = [self] { self->Leave(); };
    stream_ = std::make_shared<GuardedStream>(std::move(setup));
    return stream_->Start();
  }
  reply_->Begin({200, HeadersForClient(head_), {}});
  late_ = nullptr;
  call_->Read([self = shared_from_this()](Result<std::string> bytes) { self->PassPieces(std::move(bytes)); });
}

// Nothing of it is judged.
void Proxied::PassPieces(Result<std::string> bytes) {
  if (over_) return;
  if (!bytes.ok() || bytes->empty()) {
    over_ = true;
    work_ = nullptr;
    return reply_->End(bytes.ok(), std::move(notes_));
  }
  const auto go_on = [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->over_) return;
    self->call_->Read([self](Result<std::string> more) { self->PassPieces(std::move(more)); });
  };
  if (reply_->Write(*bytes) < kMostWaiting) return go_on();
  reply_->OnSent([go_on, &loop = room_.loop] { loop.Post(go_on); });
}

void Proxied::Answer(Response response) {
  if (std::exchange(over_, true)) return;
  late_ = nullptr;
  work_ = nullptr;
  if (const auto stream = std::exchange(stream_, nullptr)) stream->Stop();
  if (call_ != nullptr) call_->Cancel();
  response.notes.insert(response.notes.end(), notes_.begin(), notes_.end());
  reply_->Send(std::move(response));
}

void Proxied::Fail(const Error& error) {
  if (head_.status == 0) room_.metrics.OnUpstream(error.code == ErrorCode::kLate ? "late" : "failed");
  notes_.emplace_back("problem", error.Message());
  Answer(UpstreamFailure(error));
}

void Proxied::OnLate() {
  if (over_) return;
  if (batch_ != nullptr) {
    batch_->Cancel();
    return Answer(ResponseOf({ErrorCode::kLate, "no verdict in time", {}, {}, {}}));
  }
  Fail({ErrorCode::kLate, "no answer in time", {}, {}, {}});
}

void Proxied::Leave() {
  if (std::exchange(over_, true)) return;
  late_ = nullptr;
  work_ = nullptr;
  if (batch_ != nullptr) batch_->Cancel();
  const auto stream = std::exchange(stream_, nullptr);
  if (stream != nullptr) return stream->Stop();
  if (call_ != nullptr) call_->Cancel();
}

}  // namespace gatehouse::server

// An upstream's answer on its way back: passed, judged, or put aside for its shadow.
#include <utility>

#include "guard/loaded_policy.h"
#include "server/errors.h"
#include "server/proxied.h"
#include "server/proxy_answer.h"

namespace gatehouse::server {
namespace {

bool HasType(const OutgoingHead& head, std::string_view type) {
  const std::string* found = head.Find("content-type");
  if (found == nullptr) return false;
  const std::string_view own = std::string_view(*found).substr(0, type.size());
  const bool ends = found->size() == own.size() || (*found)[own.size()] == ';' || (*found)[own.size()] == ' ';
  return SameName(own, type) && ends;
}

}  // namespace

Response UpstreamFailure(const Error& error) {
  if (error.code == ErrorCode::kLate)
    return ErrorResponse(504, "the upstream did not answer in time", "upstream_timeout");
  return ErrorResponse(502, "the upstream gave no answer that can be used", "upstream_error");
}

Headers HeadersForClient(const OutgoingHead& head) {
  Headers out;
  for (const auto& [name, value] : head.headers) {
    const bool good = name == "content-type" || name == "retry-after" || name.starts_with("openai-") ||
                      name.starts_with("x-ratelimit-");
    if (good) out.emplace_back(name, value);
  }
  return out;
}

std::string UnjudgedHeader(const std::vector<std::string>& unjudged) {
  std::string out;
  for (const std::string& one : unjudged) out += (out.empty() ? "" : ", ") + one;
  return out;
}

Headers Proxied::HeadersOf() const {
  Headers out = HeadersForClient(head_);
  if (!unjudged_.empty()) out.emplace_back(kUnjudgedHeader, UnjudgedHeader(unjudged_));
  return out;
}

bool Proxied::judges_output() const {
  return !casts_shadow_ && (room_.settings.output || asked_.output != Asks::kNothing);
}

void Proxied::OnHead() {
  if (head_.status >= 400) return Collect([this] { OnRefusal(); });
  const bool judges = judges_output();
  const bool events = HasType(head_, "text/event-stream");
  if (head_.status != 200 || (judges && !events && !HasType(head_, "application/json")) ||
      (judges && events != asked_.stream)) {
    return Fail({ErrorCode::kBadInput, "neither an answer nor events", {}, {}, {}});
  }
  if (events) return SendStream();
  Collect([this] { OnBody(); });
}

void Proxied::Collect(std::function<void()> then) {
  ReadAll(call_, [self = shared_from_this(), then = std::move(then)](Result<std::string> body) {
    if (self->over_) return;
    if (!body.ok()) return self->Fail(body.error());
    self->body_ = std::move(*body);
    then();
  });
}

void Proxied::OnBody() {
  if (!judges_output() && !asked_.wants_moderation) {
    if (shadow_ != nullptr && room_.settings.output) shadow_->JudgeAnswer(body_, asked_.conversation);
    return Answer({200, HeadersOf(), std::move(body_)});
  }
  Result<ProxyAnswer> answer = ReadProxyAnswer(body_, asked_.conversation, room_.settings.leave_out);
  if (!answer.ok()) return Fail(answer.error());
  NoteLeftOut(kOutput, !answer->left_out.empty());
  if (!judges_output() || answer->choices.empty())
    return OnOutput(std::move(answer->root), std::vector<Verdict>());
  const auto root = std::make_shared<Json>(std::move(answer->root));
  Judge(std::move(answer->choices), "choices",
        [this, root](Verdicts verdicts) { OnOutput(std::move(*root), std::move(verdicts)); });
}

// Servers tell in their errors what a model wrote that they could not read: a call of a tool above all.
void Proxied::OnRefusal() {
  if (!judges_output()) return Answer({head_.status, HeadersOf(), std::move(body_)});
  const auto withhold = [this] {
    Response out = ErrorResponse(head_.status, "the upstream refused the request", "upstream_error");
    for (auto& [name, value] : HeadersOf()) {
      if (name != "content-type") out.headers.emplace_back(name, value);
    }
    Answer(std::move(out));
  };
  if (body_.empty()) return Answer({head_.status, HeadersOf(), {}});
  Result<Conversation> said = WithFailure(asked_.conversation, body_);
  if (!said.ok()) return withhold();
  Judge({std::move(*said)}, "error", [this, withhold](Verdicts verdicts) {
    batch_ = nullptr;
    std::vector<bool> blocked;
    const bool goes = verdicts.ok() ? Record(kOutput, *verdicts, &blocked) != Action::kBlock
                                    : GoesOnUnjudged(kOutput, verdicts.error());
    if (!goes) return withhold();
    Answer({head_.status, HeadersOf(), std::move(body_)});
  });
}

void Proxied::OnOutput(Json root, Verdicts verdicts) {
  batch_ = nullptr;
  std::vector<bool> blocked;
  Action action = Action::kIgnore;
  if (!verdicts.ok()) {
    if (!GoesOnUnjudged(kOutput, verdicts.error())) return Answer(ResponseOf(verdicts.error()));
  } else {
    action = Record(kOutput, *verdicts, &blocked);
  }
  const bool blocks = action == Action::kBlock;
  if (auto error = blocks ? BlockedError(room_.settings) : std::nullopt) return Answer(std::move(*error));
  Response response{200, HeadersOf(), {}};
  response.body = blocks || asked_.wants_moderation
                      ? WithBlocked(std::move(root), blocked, room_.settings, ModerationOf())
                      : std::move(body_);
  Answer(std::move(response));
}

void Proxied::SendStream() {
  if (judges_output() || asked_.wants_moderation) return SendJudgedStream();
  const auto self = shared_from_this();
  Piped::Setup setup{room_.loop, reply_, call_};
  setup.notes = notes_;
  if (shadow_ != nullptr && room_.settings.output)
    setup.on_bytes = [shadow = shadow_](std::string_view bytes) { shadow->OnBytes(bytes); };
  setup.on_end = [self] {
    if (self->shadow_ != nullptr && self->room_.settings.output)
      self->shadow_->JudgeStream(self->asked_.conversation);
    self->over_ = true;
    self->work_ = nullptr;
    self->piped_ = nullptr;
  };
  late_ = nullptr;
  piped_ = std::make_shared<Piped>(std::move(setup));
  piped_->Start({200, HeadersOf(), {}});
}

void Proxied::SendJudgedStream() {
  const ProxySettings& settings = room_.settings;
  GuardedStream::Setup setup{room_, asker_.guard, asker_.options, asker_.actions, asked_.output};
  setup.filtered = settings.output && !settings.shadow;
  setup.judged = judges_output();
  setup.before = asked_.conversation;
  setup.choices = asked_.choices;
  setup.wants_moderation = asked_.wants_moderation;
  setup.input = moderation_[kInput];
  setup.headers = HeadersForClient(head_);
  setup.unjudged = unjudged_;
  if (settings.fail_open)
    setup.open_after = std::chrono::duration_cast<std::chrono::milliseconds>(asker_.timeout) / 2;
  setup.reply = reply_;
  setup.call = call_;
  setup.work = std::exchange(work_, nullptr);
  setup.notes = notes_;
  const auto self = shared_from_this();
  setup.refuse = [self](Response response) { self->Answer(std::move(response)); };
  setup.on_begin = [self] { self->late_ = nullptr; };
  setup.on_end = [self] { self->Leave(); };
  stream_ = std::make_shared<GuardedStream>(std::move(setup));
  stream_->Start();
}

}  // namespace gatehouse::server

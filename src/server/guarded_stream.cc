#include "server/guarded_stream.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "guard/loaded_policy.h"
#include "server/errors.h"
#include "server/proxy_answer.h"

namespace gatehouse::server {
namespace {

// What a client has not taken yet; more is not read from the upstream.
constexpr size_t kMostUntaken = 256u << 10;
constexpr std::chrono::seconds kKeepAlive{15};
// Events that wait; many of them may hold no text at all.
constexpr size_t kMostWaiting = 16384;

Error Malformed(const std::string& where, const std::string& expected) {
  return BadInput("malformed event", where, expected, "another");
}

}  // namespace

void GuardedStream::Start() { Pump(); }

void GuardedStream::Stop() {
  over_ = true;
  check_timer_ = busy_timer_ = keep_alive_ = nullptr;
  if (setup_.call != nullptr) setup_.call->Cancel();
  choices_.clear();
  setup_.work = nullptr;
  setup_.refuse = {};
  setup_.on_begin = {};
  setup_.on_end = {};
}

bool GuardedStream::IsPaused() {
  int64_t waiting = 0;
  for (const auto& [index, choice] : choices_) {
    if (!choice.blocked) waiting += choice.tokens - std::min(choice.tokens, choice.left_tokens);
  }
  return client_is_slow_ || queue_.size() > kMostWaiting || waiting > setup_.room.settings.holdback;
}

void GuardedStream::Pump() {
  if (over_ || reading_ || at_end_ || IsPaused()) return;
  reading_ = true;
  setup_.call->Read([self = shared_from_this()](Result<std::string> bytes) {
    self->reading_ = false;
    if (!self->over_) self->OnBytes(std::move(bytes));
  });
}

void GuardedStream::OnBytes(Result<std::string> bytes) {
  if (!bytes.ok()) return Break(bytes.error(), true);
  if (bytes->empty()) {
    OnUpstreamEnd();
  } else {
    std::vector<std::string> events;
    const Result<void> read = reader_.Add(*bytes, &events);
    if (!read.ok()) return Break(read.error(), true);
    for (std::string& data : events) {
      const Result<void> taken = OnData(std::move(data));
      if (!taken.ok()) return Break(taken.error(), true);
    }
  }
  if (!over_) Go();
}

void GuardedStream::OnUpstreamEnd() {
  at_end_ = true;
  const bool whole = !choices_.empty() && !reader_.is_within() &&
                     std::all_of(choices_.begin(), choices_.end(), [](const auto& entry) {
                       return entry.second.finished || entry.second.blocked;
                     });
  if (!whole) Break(Malformed("choices", "a finish_reason before the end"), true);
}

Result<void> GuardedStream::OnData(std::string data) {
  if (done_) return Malformed("events", "nothing behind [DONE]");
  Event event;
  event.data = std::move(data);
  if (event.data == "[DONE]") {
    done_ = true;
    queue_.push_back(std::move(event));
    return {};
  }
  GATEHOUSE_ASSIGN(event.json, ParseJson(event.data, "event", ErrorCode::kBadInput));
  if (!event.json.is_object()) return Malformed("event", "an object");
  if (const auto error = event.json.find("error"); error != event.json.end() && !SaysNothing(*error))
    return Malformed("event", "no error");
  GATEHOUSE_TRY(CheckAnswer(event.json, setup_.room.settings.leave_out ? &left_out_ : nullptr));
  if (!left_out_.empty()) NoteUnjudged("output-parts");
  // Line ends within JSON would be line ends of the event.
  if (event.data.find_first_of("\r\n") != std::string::npos) event.data = JsonLine(event.json);
  for (const char* name : {"id", "created", "model"}) {
    if (!envelope_.contains(name) && event.json.contains(name)) envelope_[name] = event.json[name];
  }
  const auto choices = event.json.find("choices");
  if (choices != event.json.end() && !choices->is_null()) {
    if (!choices->is_array()) return Malformed("choices", "a list");
    const std::shared_ptr<const Guard> guard = setup_.guard.lock();
    if (guard == nullptr) return Error{ErrorCode::kCancelled, "the server ends", {}, {}, {}};
    Json left = Json::array();
    for (const Json& choice : *choices) {
      const size_t before = event.marks.size();
      GATEHOUSE_TRY(OnChoice(choice, *guard, &event));
      if (event.marks.size() > before) left.push_back(choice);
    }
    if (left.size() < choices->size()) {
      if (left.empty() && !event.json.contains("usage")) return {};
      event.json["choices"] = std::move(left);
      event.data = JsonLine(event.json);
    }
  }
  queue_.push_back(std::move(event));
  return {};
}

Result<void> GuardedStream::OnChoice(const Json& json, const Guard& guard, Event* event) {
  std::vector<std::string>* left_out = setup_.room.settings.leave_out ? &left_out_ : nullptr;
  GATEHOUSE_TRY(CheckChoice(json, "delta", "choices", left_out));
  const auto named = json.find("index");
  if (named == json.end() || !named->is_number_integer() || *named < 0 || *named >= setup_.choices)
    return Malformed("choices.index", "the number of a choice that was asked for");
  const auto index = named->get<int64_t>();
  for (const Event::Mark& mark : event->marks) {
    if (mark.choice == index) return Malformed("choices.index", "each choice once");
  }
  StreamedChoice& choice = choices_.try_emplace(index, guard).first->second;
  if (choice.blocked) return {};
  const auto delta = json.find("delta");
  const bool says = delta != json.end() && !SaysNothing(*delta);
  if (choice.finished && says) return Malformed("choices.delta", "nothing behind finish_reason");
  const auto reason = json.find("finish_reason");
  const bool ends = reason != json.end() && !reason->is_null();
  // What says nothing leaves with what stands before it.
  if (says || ends || choice.position == 0) ++choice.position;
  if (!judges()) choice.safe = choice.position;
  if (says) GATEHOUSE_TRY(choice.Add(*delta, left_out));
  if (!left_out_.empty()) NoteUnjudged("output-parts");
  if (ends) {
    choice.finished = true;
    choice.EndCall();
  }
  if (judges() && says) choice.tokens = choice.answer.CountTokens(guard, choice.Text());
  event->marks.push_back({index, choice.position, choice.tokens});
  if (!judges()) return {};
  const bool grown = choice.tokens - choice.due_tokens >= setup_.room.settings.check_tokens;
  if (ends || (grown && choice.CanBeJudged())) AddDue(choice, ends);
  return {};
}

void GuardedStream::Go() {
  RunChecks();
  if (over_) return;
  Release();
  if (over_) return;
  if (judges() && !client_is_slow_ && IsPaused()) {
    for (auto& [index, choice] : choices_) {
      if (choice.blocked || choice.checking || !choice.due.empty()) continue;
      if (choice.position > choice.safe && choice.CanBeJudged()) {
        AddDue(choice, choice.finished);
      } else if (choice.has_open_call()) {
        return Break(
            BadInput("call of a tool too long", "tool_calls", "fewer tokens than are held back", "more"),
            true);
      }
    }
    RunChecks();
  }
  if (over_) return;
  SetCheckTimer();
  Pump();
}

void GuardedStream::DropEventsOf(int64_t index) {
  const auto is_own = [&](const Event::Mark& mark) { return mark.choice == index; };
  for (Event& event : queue_) {
    if (std::erase_if(event.marks, is_own) == 0) continue;
    Json& list = event.json["choices"];
    Json left = Json::array();
    for (const Json& choice : list) {
      if (choice["index"] != index) left.push_back(choice);
    }
    list = std::move(left);
    event.data = JsonLine(event.json);
  }
  std::erase_if(queue_, [](const Event& event) {
    return event.json.is_object() && event.marks.empty() && event.json.contains("choices") &&
           event.json["choices"].empty() && !event.json.contains("usage");
  });
}

void GuardedStream::Release() {
  while (!queue_.empty() && !over_) {
    const Event& event = queue_.front();
    const bool may = std::all_of(event.marks.begin(), event.marks.end(), [&](const Event::Mark& mark) {
      return choices_.at(mark.choice).MayLeave(mark.position);
    });
    if (!may) return;
    for (const Event::Mark& mark : event.marks) {
      choices_.at(mark.choice).left = true;
      choices_.at(mark.choice).left_tokens = mark.tokens;
    }
    if (event.data == "[DONE]") {
      const bool complete = std::all_of(choices_.begin(), choices_.end(), [](const auto& entry) {
        return entry.second.finished || entry.second.blocked;
      });
      if (!complete || choices_.empty())
        return Break(Malformed("choices", "a finish_reason before the end"), true);
      if (setup_.wants_moderation || action_ == Action::kBlock || !setup_.unjudged.empty())
        Write(ModerationChunk());
      setup_.work = nullptr;
      Write("[DONE]");
      return End(true);
    }
    const std::string data = event.data;
    queue_.pop_front();
    Write(data);
  }
  if (!over_ && at_end_ && queue_.empty()) End(true);
}

void GuardedStream::Write(const std::string& data) {
  if (!began_) {
    began_ = true;
    setup_.on_begin();
    if (!setup_.unjudged.empty())
      setup_.headers.emplace_back(kUnjudgedHeader, UnjudgedHeader(setup_.unjudged));
    setup_.reply->Begin({200, setup_.headers, {}});
    SetKeepAlive();
  }
  if (setup_.reply->Write(EventOf(data)) < kMostUntaken || client_is_slow_) return;
  client_is_slow_ = true;
  setup_.reply->OnSent([weak = weak_from_this(), &loop = setup_.room.loop] {
    loop.Post([weak] {
      const auto self = weak.lock();
      if (self == nullptr || self->over_) return;
      self->client_is_slow_ = false;
      self->Pump();
    });
  });
}

void GuardedStream::SetKeepAlive() {
  keep_alive_ = setup_.room.loop.After(kKeepAlive, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || self->over_) return;
    self->setup_.reply->Write(": keep-alive\n\n");
    self->SetKeepAlive();
  });
}

Json GuardedStream::Chunk(Json choices) const {
  Json out = envelope_;
  out["object"] = "chat.completion.chunk";
  out["choices"] = std::move(choices);
  return out;
}

std::string GuardedStream::ModerationChunk() {
  std::vector<Verdict> verdicts;
  for (const auto& [index, choice] : choices_) {
    if (choice.verdict) verdicts.push_back(*choice.verdict);
  }
  Json chunk = Chunk(Json::array());
  Json output = verdicts.empty() && failure_ ? ModerationError(*failure_) : ModerationResults(verdicts);
  chunk["moderation"] = {{"input", setup_.input}, {"output", std::move(output)}};
  if (!setup_.unjudged.empty()) chunk["moderation"]["unjudged"] = setup_.unjudged;
  return ShortFigures(JsonLine(chunk));
}

void GuardedStream::NoteUnjudged(const std::string& what) {
  std::vector<std::string>& known = setup_.unjudged;
  if (std::find(known.begin(), known.end(), what) != known.end()) return;
  known.push_back(what);
  setup_.notes.emplace_back("unjudged", what);
}

void GuardedStream::Break(const Error& error, bool of_upstream) {
  Response response = of_upstream ? UpstreamFailure(error) : ResponseOf(error);
  setup_.notes.emplace_back("problem", error.what + " in " + error.where);
  if (!began_) {
    response.notes.push_back(setup_.notes.back());
    const auto refuse = std::move(setup_.refuse);
    Stop();
    return refuse(std::move(response));
  }
  setup_.work = nullptr;
  Write(response.body);
  End(true);
}

void GuardedStream::End(bool whole) {
  setup_.notes.emplace_back("output", NameOf(action_));
  setup_.work = nullptr;
  setup_.reply->End(whole, std::move(setup_.notes));
  const auto on_end = std::move(setup_.on_end);
  // Behind [DONE] there is nothing but the end, after which the connection serves another request.
  const auto call = at_end_ ? nullptr : std::exchange(setup_.call, nullptr);
  Stop();
  if (call != nullptr && done_ && !reading_) {
    call->Read([call](Result<std::string> bytes) {
      if (bytes.ok() && !bytes->empty()) call->Cancel();
    });
  } else if (call != nullptr) {
    call->Cancel();
  }
  if (on_end) on_end();
}

}  // namespace gatehouse::server

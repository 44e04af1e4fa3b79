// GuardedStream: a streamed answer on its way to the client. Its events leave in their order, each once the
// answer was judged safe as it stood there or later; what was not, never leaves.
//
//   auto stream = std::make_shared<GuardedStream>(std::move(setup));
//   stream->Start();   // on Outgoing's thread, as all of it
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/decision.h"
#include "server/proxy_room.h"
#include "server/sse.h"
#include "server/streamed_choice.h"

namespace gatehouse::server {

class GuardedStream : public std::enable_shared_from_this<GuardedStream> {
 public:
  using Notes = std::vector<std::pair<std::string, std::string>>;
  struct Setup {
    ProxyRoom room;
    std::weak_ptr<const Guard> guard = {};
    ClassifyOptions options = {};
    Actions actions = {};
    Asks asks = Asks::kNothing;
    bool filtered = true, judged = true;  // by the policy's actions; at all
    Conversation before = {};
    int64_t choices = 1;
    bool wants_moderation = false;
    Json input = {};  // its verdicts, for the member moderation
    Headers headers = {};
    std::vector<std::string> unjudged = {};   // kUnjudgedHeader
    std::chrono::milliseconds open_after{0};  // goes on where no verdict comes for so long; 0: never
    std::shared_ptr<Reply> reply = {};
    std::shared_ptr<OutgoingCall> call = {};
    std::shared_ptr<void> work = {};            // given back before the client knows that it ends
    Notes notes = {};                           // for the log
    std::function<void(Response)> refuse = {};  // nothing has left: the client gets that instead
    std::function<void()> on_begin = {};        // its first byte leaves
    std::function<void()> on_end = {};
  };
  explicit GuardedStream(Setup setup) : setup_(std::move(setup)) {}

  void Start();
  void Stop();  // nobody wants it any more

 private:
  using Clock = std::chrono::steady_clock;
  struct Event {
    std::string data;
    Json json;  // null: [DONE], or one of ours
    struct Mark {
      int64_t choice, position, tokens;  // of the choice's text with it
    };
    std::vector<Mark> marks;
  };
  bool judges() const { return setup_.judged; }
  void Pump();
  bool IsPaused();
  void OnBytes(Result<std::string> bytes);
  Result<void> OnData(std::string data);
  Result<void> OnChoice(const Json& choice, const Guard& guard, Event* event);
  void OnUpstreamEnd();
  void AddDue(StreamedChoice& choice, bool whole);
  void Go();  // whatever can be done now
  void RunChecks();
  void Check(int64_t index, StreamedChoice& choice);
  void OnVerdict(int64_t index, Result<Verdict> verdict);
  // The guard failed: whether the choice goes on all the same.
  bool GoesOnUnjudged(StreamedChoice& choice, const Error& error);
  void NoteUnjudged(const std::string& what);
  void Block(int64_t index, StreamedChoice& choice);
  void DropEventsOf(int64_t index);
  void Release();
  void Write(const std::string& data);
  void SetCheckTimer();
  void SetKeepAlive();
  Json Chunk(Json choices) const;
  std::string ModerationChunk();
  void Break(const Error& error, bool of_upstream);
  void End(bool whole);

  Setup setup_;
  EventReader reader_;
  std::map<int64_t, StreamedChoice> choices_;
  std::vector<std::string> left_out_;  // places of what cannot be judged
  std::deque<Event> queue_;
  Json envelope_ = Json::object();  // id, created, model of its chunks
  Action action_ = Action::kIgnore;
  std::optional<Error> failure_;  // the guard's, where something went on without it
  Clock::time_point last_check_ = Clock::now();
  std::shared_ptr<void> check_timer_, busy_timer_, keep_alive_;
  bool reading_ = false, began_ = false, done_ = false, at_end_ = false, over_ = false,
       client_is_slow_ = false;
};

}  // namespace gatehouse::server

// Proxied: one request on its way through the filter. All of it runs on the thread of Outgoing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/batch.h"
#include "server/guarded_stream.h"
#include "server/piped.h"
#include "server/proxy.h"
#include "server/proxy_request.h"
#include "server/proxy_room.h"
#include "server/shadow.h"

namespace gatehouse::server {

class Proxied : public OnItsWay, public std::enable_shared_from_this<Proxied> {
 public:
  Proxied(ProxyRoom room, Request request, std::shared_ptr<Reply> reply, Asker asker);
  void Begin();
  void Leave() override;

 private:
  using Verdicts = Result<std::vector<Verdict>>;
  enum Side { kInput, kOutput };

  // Of its input, proxied.cc.
  void Judge(std::vector<Conversation> conversations, const std::string& name,
             std::function<void(Verdicts)> then);
  void OnInput(Verdicts verdicts);
  void CallUpstream();
  // Of the answer, proxied_answer.cc.
  void OnHead();
  void Collect(std::function<void()> then);
  void OnBody();
  void OnRefusal();
  void OnOutput(Json root, Verdicts verdicts);
  void SendStream();
  void SendJudgedStream();
  bool judges_output() const;

  Action Record(Side side, const std::vector<Verdict>& verdicts, std::vector<bool>* blocked);
  // Whether a message that the guard failed on goes on all the same.
  bool GoesOnUnjudged(Side side, const Error& error);
  void NoteLeftOut(Side side, bool any);
  Json ModerationOf() const;
  Headers HeadersOf() const;
  void Answer(Response response);
  void Fail(const Error& error);
  void OnLate();

  const ProxyRoom room_;
  Request request_;
  std::shared_ptr<Reply> reply_;
  Asker asker_;
  ProxyRequest asked_;
  std::chrono::steady_clock::time_point deadline_;
  std::shared_ptr<void> late_, work_;
  std::shared_ptr<Batch> batch_;
  std::shared_ptr<OutgoingCall> call_;
  std::shared_ptr<GuardedStream> stream_;  // these three are null where there is none
  std::shared_ptr<Piped> piped_;
  std::shared_ptr<Shadow> shadow_;
  bool casts_shadow_ = false;  // nothing of it is held
  bool input_done_ = false, has_head_ = false;
  OutgoingHead head_;
  std::string body_;
  Json moderation_[2];                 // what each side came to
  std::vector<std::string> unjudged_;  // told to the client: "input", "output-parts", ...
  std::vector<std::pair<std::string, std::string>> notes_;
  bool over_ = false;
};

}  // namespace gatehouse::server

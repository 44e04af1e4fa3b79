// Proxied: one request on its way through the filter. All of it runs on the thread of Outgoing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/batch.h"
#include "server/guarded_stream.h"
#include "server/proxy.h"
#include "server/proxy_request.h"
#include "server/proxy_room.h"

namespace gatehouse::server {

class Proxied : public std::enable_shared_from_this<Proxied> {
 public:
  Proxied(ProxyRoom room, Request request, std::shared_ptr<Reply> reply, Asker asker);
  void Begin();
  void Leave();  // nobody wants it any more

 private:
  using Verdicts = Result<std::vector<Verdict>>;
  void Judge(std::vector<Conversation> conversations, const std::string& name,
             std::function<void(Verdicts)> then);
  void OnInput(Verdicts verdicts);
  void CallUpstream();
  void OnHead(Result<OutgoingHead> head);
  void Collect(std::function<void()> then);
  void OnOutput(Json root, Verdicts verdicts);
  void PassPieces(Result<std::string> bytes);
  void SendStream();
  Json ModerationOf() const;
  Action Record(const std::vector<Verdict>& verdicts, bool filtered, Asks asks, std::vector<bool>* blocked);
  void Answer(Response response);
  void Fail(const Error& error);
  void OnLate();
  bool judges_output() const { return room_.settings.output || asked_.output != Asks::kNothing; }

  const ProxyRoom room_;
  Request request_;
  std::shared_ptr<Reply> reply_;
  Asker asker_;
  ProxyRequest asked_;
  std::chrono::steady_clock::time_point deadline_;
  std::shared_ptr<void> late_, work_;
  std::shared_ptr<Batch> batch_;
  std::shared_ptr<OutgoingCall> call_;
  std::shared_ptr<GuardedStream> stream_;  // null: not streamed, or not judged
  OutgoingHead head_;
  std::string body_;
  std::vector<Verdict> inputs_, outputs_;
  std::vector<std::pair<std::string, std::string>> notes_;
  bool over_ = false;
};

}  // namespace gatehouse::server

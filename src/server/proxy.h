// Proxy: requests for other models than the guard, on their way to the upstream and back: what goes in is
// judged before the upstream is called, what comes out before it leaves. Fails closed.
//
//   GATEHOUSE_ASSIGN(auto proxy, Proxy::Create(settings, metrics, log));
//   proxy->Handle(std::move(request), reply, asker);
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/guard.h"
#include "server/decision.h"
#include "server/http/outgoing.h"
#include "server/http/server.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/proxy_settings.h"

namespace gatehouse::server {

// On whose behalf, by which policy. The guard may go meanwhile.
struct Asker {
  std::weak_ptr<const Guard> guard;
  ClassifyOptions options;  // its policy is never null
  Actions actions;
  std::chrono::duration<double> timeout{30};  // to the first byte
  size_t max_image_bytes = 0;
  // Takes from the key's tokens what that will cost; null: there are none left.
  std::function<std::shared_ptr<void>(const std::vector<Conversation>&)> take_tokens;
};

class OnItsWay;

class Proxy {
 public:
  static Result<std::unique_ptr<Proxy>> Create(ProxySettings settings, Metrics& metrics, RequestLog& log);
  ~Proxy();
  // What is on its way ends. Before the guard goes; the proxy itself goes behind it, whose last answers come
  // here.
  void Stop();

  void Handle(Request request, const std::shared_ptr<Reply>& reply, Asker asker);
  // Whether anything of that request's may be judged.
  bool MayJudge(const std::string& body) const;
  // own: the answer of our own; the upstream's models are added, where it tells them.
  void Models(const Request& request, Response own, std::shared_ptr<Reply> reply);
  // Whether the path is open, and a request to it on its way: nothing of it is judged.
  bool Passes(std::string_view path) const;
  void Pass(Request request, std::shared_ptr<Reply> reply, std::chrono::duration<double> timeout);

 private:
  void Keep(const std::shared_ptr<OnItsWay>& one);  // until it is over
  Proxy(ProxySettings settings, Metrics& metrics, RequestLog& log, std::unique_ptr<Outgoing> loop)
      : settings_(std::move(settings)), metrics_(metrics), log_(log), loop_(std::move(loop)) {}

  const ProxySettings settings_;
  Metrics& metrics_;
  RequestLog& log_;
  std::unique_ptr<Outgoing> loop_;
  std::vector<std::weak_ptr<OnItsWay>> live_;  // of the loop's thread
  size_t live_before_looking_ = 64;
};

}  // namespace gatehouse::server

// Gateway: what `gatehouse serve` does with requests: who may ask, whether now, by which API, and the guard's
// answers on their way back.
//
//   Gateway gateway(options);
//   GATEHOUSE_ASSIGN(auto server, HttpServer::Listen(http, gateway));   // listens at once
//   std::thread([&] { ...Guard::Load, LoadAccess...; gateway.Open(guard, access); });
//   server->Run();
//   gateway.Close();   // before the server goes
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gatehouse/guard.h"
#include "server/access.h"
#include "server/asked.h"
#include "server/http/fetch.h"
#include "server/http/server.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/proxy.h"
#include "server/routes.h"

namespace gatehouse::server {

struct GatewayOptions {
  std::string version;
  std::vector<std::string> served_names;  // none: the model's
  std::vector<Key> keys;                  // in force until Open; none: nobody needs one
  bool any_host = false;                  // without keys: take requests for any host
  std::chrono::duration<double> request_timeout{30};
  size_t max_image_bytes = 0;
  ClassifyOptions
      long_input;  // of these only what becomes of long and of tricky conversations, whatever the policy
  std::optional<FetchRules> images;  // which addresses of images are fetched; none: no image is
  std::function<void()> on_hang_up;
};

class Gateway final : public Service {
 public:
  Gateway(GatewayOptions options, RequestLog& log);

  // Requests for other models go there, filtered. Before any request. Errors: kUsage.
  Result<void> UseUpstream(ProxySettings settings);
  // From here on requests are judged.
  void Open(std::shared_ptr<const Guard> guard, std::shared_ptr<const Access> access);
  void Use(std::shared_ptr<const Access> access);
  std::shared_ptr<const Guard> guard() const;
  // Ends what is on its way, and lets the guard go.
  void Close();

  std::optional<Response> Refuse(Request& head) override;
  void Handle(Request request, std::shared_ptr<Reply> reply) override;
  void OnEnd(const Exchange& exchange) override;
  void OnTerminate() override { ending_.store(true); }
  void OnHangUp() override {
    if (options_.on_hang_up) options_.on_hang_up();
  }

 private:
  struct State {
    std::shared_ptr<const Guard> guard;  // null: not there yet
    std::shared_ptr<const Access> access;
  };
  State state() const;
  std::optional<Response> RefuseClient(Request& head, const Route& route, const Access& access) const;
  // 503 while it is no use to ask.
  std::optional<Response> NotReady() const;
  Response Answer(const Request& request, const Route& route) const;
  Response Models(const Request& request, const Route& route) const;
  using Clock = std::chrono::steady_clock;
  // began: from when its time counts. has_images: those that it has the addresses of were fetched.
  void Judge(Request request, const Route& route, const std::shared_ptr<Reply>& reply,
             Clock::time_point began, bool has_images);
  void FetchImages(Request request, const Route& route, std::vector<std::string> urls,
                   const std::shared_ptr<Reply>& reply, Clock::time_point began, Clock::time_point deadline);
  void Filter(Request request, const State& state, const Key* key, std::chrono::duration<double> timeout,
              const std::shared_ptr<Reply>& reply);
  bool MayAsk(const Rights& rights, const Route& route) const;
  std::vector<std::string> ServedNames(const State& state) const;
  Surroundings SurroundingsOf(const State& state, const Key* key) const;

  const GatewayOptions options_;
  RequestLog& log_;
  mutable Limits limits_;
  Metrics metrics_;
  const std::chrono::system_clock::time_point began_ = std::chrono::system_clock::now();
  std::atomic<bool> ending_{false};
  std::unique_ptr<Fetcher> fetcher_;  // null: no image is fetched
  std::unique_ptr<Proxy> proxy_;      // null: no upstream
  mutable std::mutex mutex_;
  State state_;
};

}  // namespace gatehouse::server

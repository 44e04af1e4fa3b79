#include "server/http/server.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "base/error.h"
#include "server/http/session.h"

namespace gatehouse::server {
namespace {

using asio::ip::tcp;

// Null: no TLS.
Result<std::unique_ptr<asio::ssl::context>> TlsContext(const HttpOptions& options) {
  using Made = std::unique_ptr<asio::ssl::context>;
  if (options.certificate_file.empty() != options.key_file.empty())
    return UsageError("half of TLS", "--ssl-cert-file and --ssl-key-file", "both or neither", "one");
  if (options.certificate_file.empty()) return Made();
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  error_code error;
  tls->use_certificate_chain_file(options.certificate_file, error);
  if (error)
    return UsageError("unusable certificate", options.certificate_file, "a PEM file with a certificate chain",
                      error.message());
  tls->use_private_key_file(options.key_file, asio::ssl::context::pem, error);
  if (error)
    return UsageError("unusable key", options.key_file, "a PEM file with the certificate's private key",
                      error.message());
  return Made(std::move(tls));
}

class Listener final : public HttpServer, public SessionHost {
 public:
  Listener(const HttpOptions& options, Service& service)
      : options_(options),
        service_(service),
        io_(options.threads),
        acceptor_(io_),
        pause_(io_),
        drain_limit_(io_),
        signals_(io_) {}
  ~Listener() override { draining_.store(false); }  // sessions that end with io_ stop nothing

  Result<void> Open();
  int port() const override { return acceptor_.local_endpoint().port(); }
  std::string address() const override { return acceptor_.local_endpoint().address().to_string(); }
  void Run() override;
  void Stop() override { io_.stop(); }

  const HttpOptions& options() const override { return options_; }
  Service& service() override { return service_; }
  bool draining() const override { return draining_.load(); }
  void OnBegin() override { ++active_; }
  void OnEnd() override {
    if (--active_ == 0 && draining_.load()) io_.stop();
  }

 private:
  asio::awaitable<void> Accept();
  asio::awaitable<error_code> AcceptOne();
  void RunHere();
  void WaitForSignal();
  void Drain();

  const HttpOptions options_;
  Service& service_;
  std::atomic<bool> draining_{false};
  std::atomic<int> active_{0};
  asio::io_context io_;
  std::unique_ptr<asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_, drain_limit_;
  asio::signal_set signals_;
  std::mutex sessions_mutex_;
  std::vector<std::weak_ptr<Session>> sessions_;
};

Result<void> Listener::Open() {
  GATEHOUSE_ASSIGN(tls_, TlsContext(options_));
  const std::string where = options_.host + ":" + std::to_string(options_.port);
  error_code error;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(options_.host, std::to_string(options_.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty())
    return UsageError("no such address", where, "a name or address of this machine", error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return UsageError("cannot listen", where, "an address of this machine that is free", error.message());
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number, error);
  return {};
}

void Listener::WaitForSignal() {
  signals_.async_wait([this](error_code error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      service_.OnHangUp();
    } else if (draining_.load()) {
      io_.stop();  // asked twice
    } else {
      Drain();
    }
    WaitForSignal();
  });
}

void Listener::Drain() {
  draining_.store(true);
  service_.OnTerminate();
  {
    const std::lock_guard lock(sessions_mutex_);
    for (const auto& weak : sessions_) {
      if (const auto session = weak.lock()) session->CloseIfIdle();
    }
  }
  drain_limit_.expires_after(options_.drain_timeout);
  drain_limit_.async_wait([this](error_code error) {
    if (!error) io_.stop();
  });
  if (active_.load() == 0) io_.stop();
}

asio::awaitable<error_code> Listener::AcceptOne() {
  size_t open = 0;
  {
    const std::lock_guard lock(sessions_mutex_);
    std::erase_if(sessions_, [](const auto& session) { return session.expired(); });
    open = sessions_.size();
  }
  if (open >= static_cast<size_t>(options_.max_connections)) co_return asio::error::no_descriptors;
  error_code error;
  tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return error;
  const auto session = std::make_shared<Session>(std::move(socket), tls_.get(), *this);
  {
    const std::lock_guard lock(sessions_mutex_);
    sessions_.push_back(session);
  }
  session->Start();
  co_return error;
}

asio::awaitable<void> Listener::Accept() {
  for (;;) {
    bool no_memory = false;
    try {
      error_code error = co_await AcceptOne();
      if (error == asio::error::operation_aborted) co_return;
      if (!error) continue;
      // No descriptors, above all: connections that end free some.
      pause_.expires_after(std::chrono::milliseconds(50));
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    } catch (const std::bad_alloc&) {
      no_memory = true;
    }
    if (no_memory) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Where memory runs out for one connection, the others go on.
void Listener::RunHere() {
  for (bool ended = false; !ended;) {
    try {
      io_.run();
      ended = true;
    } catch (const std::bad_alloc&) {
    }
  }
}

void Listener::Run() {
  WaitForSignal();
  asio::co_spawn(io_, Accept(), asio::detached);
  std::vector<std::jthread> others;
  for (int i = 1; i < options_.threads; ++i) others.emplace_back([this] { RunHere(); });
  RunHere();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(const HttpOptions& options, Service& service) {
  auto listener = std::make_unique<Listener>(options, service);
  GATEHOUSE_TRY(listener->Open());
  return std::unique_ptr<HttpServer>(std::move(listener));
}

Result<void> HttpServer::Check(const HttpOptions& options) {
  const auto tls = TlsContext(options);
  if (!tls.ok()) return tls.error();
  return {};
}

}  // namespace gatehouse::server

// The insides of Outgoing: its connections, one call, and the thread that all of them run on.
#pragma once

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/outgoing.h"

namespace gatehouse::server::outgoing {

namespace net = boost::asio;
namespace web = boost::beast::http;
using Failure = boost::system::error_code;
using Clock = std::chrono::steady_clock;
using TlsStream = net::ssl::stream<net::ip::tcp::socket>;

constexpr size_t kMaxIdleConnections = 64;

// A connection, plain or TLS. Of a plain one only the socket below is used.
struct Wire {
  Wire(net::io_context& io, net::ssl::context& tls_context, bool is_tls)
      : tls(is_tls), stream(io, tls_context) {}
  net::ip::tcp::socket& socket() { return stream.next_layer(); }
  void Close() {
    Failure ignored;
    socket().close(ignored);
  }
  template <typename Done>
  void ReadSome(net::mutable_buffer buffer, Done done) {
    if (tls) {
      stream.async_read_some(buffer, std::move(done));
    } else {
      socket().async_read_some(buffer, std::move(done));
    }
  }
  template <typename Done>
  void Write(net::const_buffer buffer, Done done) {
    if (tls) {
      net::async_write(stream, buffer, std::move(done));
    } else {
      net::async_write(socket(), buffer, std::move(done));
    }
  }
  const bool tls;
  TlsStream stream;
};

class Client;

class Call final : public OutgoingCall, public std::enable_shared_from_this<Call> {
 public:
  Call(Client& client, OutgoingRequest request, OutgoingLimits limits,
       std::function<void(Result<OutgoingHead>)> done);

  void Begin();
  void Read(std::function<void(Result<std::string>)> done) override;
  void Cancel() override;

 private:
  void Connect();
  void Shake();
  void SendAll();
  void Receive();
  void OnBytes();
  bool TakeHead();  // false: it is over
  void TellBody();
  void Fail(Error error);
  void SetTimer(Clock::time_point at);
  bool over() const { return over_; }

  Client& client_;
  const OutgoingRequest request_;
  const OutgoingLimits limits_;
  const Clock::time_point began_ = Clock::now();
  std::function<void(Result<OutgoingHead>)> head_done_;
  std::function<void(Result<std::string>)> body_done_;
  std::string to_send_;
  std::unique_ptr<Wire> wire_;
  net::steady_timer timer_;
  std::array<char, 32768> arriving_;
  std::string buffer_;  // bytes that the parser did not take yet
  std::optional<web::response_parser<web::string_body>> parser_;
  std::unique_ptr<Wire> old_wire_;  // of a first try: operations on it may be under way
  bool reused_ = false, any_byte_ = false, written_ = false, told_head_ = false, receiving_ = false,
       over_ = false;
  std::optional<Error> failed_;  // waits for somebody to be told
};

class Client final : public Outgoing {
 public:
  explicit Client(Target target)
      : target_(std::move(target)),
        tls_(net::ssl::context::tls_client),
        resolver_(io_),
        work_(io_.get_executor()) {}
  ~Client() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> Start() {
    ::SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    Failure error;
    tls_.set_default_verify_paths(error);
    if (target_.tls && error)
      return UsageError("no certificates to check servers by", "--upstream", "the system's", error.message());
    tls_.set_verify_mode(net::ssl::verify_peer, error);
    thread_ = std::thread([this] { Run(); });
    return {};
  }

  void Post(std::function<void()> work) override { net::post(io_, std::move(work)); }
  std::shared_ptr<void> After(std::chrono::milliseconds time, std::function<void()> work) override {
    const auto timer = std::make_shared<net::steady_timer>(io_, time);
    timer->async_wait([work = std::move(work), weak = std::weak_ptr(timer)](Failure error) {
      if (!error && !weak.expired()) work();
    });
    return timer;
  }
  std::shared_ptr<OutgoingCall> Send(OutgoingRequest request, OutgoingLimits limits,
                                     std::function<void(Result<OutgoingHead>)> done) override {
    const auto call = std::make_shared<Call>(*this, std::move(request), limits, std::move(done));
    net::post(io_, [call] { call->Begin(); });
    return call;
  }

  // One that was left open, or null.
  std::unique_ptr<Wire> TakeIdle() {
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Wire> wire = std::move(idle_.back());
    idle_.pop_back();
    return wire;
  }
  void Keep(std::unique_ptr<Wire> wire) {
    if (idle_.size() < kMaxIdleConnections) idle_.push_back(std::move(wire));
  }
  std::unique_ptr<Wire> NewWire() { return std::make_unique<Wire>(io_, tls_, target_.tls); }
  const Target& target() const { return target_; }
  net::io_context& io() { return io_; }
  net::ip::tcp::resolver& resolver() { return resolver_; }

 private:
  // Where memory runs out for one, the others go on; its deadline ends it.
  void Run() {
    for (bool ended = false; !ended;) {
      try {
        io_.run();
        ended = true;
      } catch (const std::exception&) {
      }
    }
  }

  const Target target_;
  net::io_context io_{1};
  net::ssl::context tls_;
  net::ip::tcp::resolver resolver_;
  net::executor_work_guard<net::io_context::executor_type> work_;
  std::vector<std::unique_ptr<Wire>> idle_;
  std::thread thread_;
};

}  // namespace gatehouse::server::outgoing

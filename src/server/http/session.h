// Session: one connection and the requests on it, one after the other. All of it runs on the connection's
// strand; only Reply is used from elsewhere.
#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/http/head.h"
#include "server/http/server.h"
#include "server/http/stream.h"

namespace gatehouse::server {

// What sessions and their server know of each other.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual const HttpOptions& options() const = 0;
  virtual Service& service() = 0;
  virtual bool draining() const = 0;
  // A request whose head has been read, until its answer is out.
  virtual void OnBegin() = 0;
  virtual void OnEnd() = 0;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(asio::ip::tcp::socket socket, asio::ssl::context* tls, SessionHost& host);

  void Start();        // its coroutine keeps it
  void CloseIfIdle();  // any thread

  struct Answer;  // a Reply, see answer.h

 private:
  using Clock = std::chrono::steady_clock;
  enum class Wait { kHappened, kLate };
  // An answer wakes its session, unless there was no memory for that: it looks by itself.
  static constexpr std::chrono::seconds kLook{1};

  asio::awaitable<void> Run();
  void Abandon();
  asio::awaitable<bool> ServeOne();  // whether another request may follow
  asio::awaitable<std::optional<Head>> ReadRequestHead();
  asio::awaitable<bool> ReadBody(const Head& head, std::string* body);
  asio::awaitable<void> Refuse(Response response);
  asio::awaitable<std::optional<Response>> Answered(const std::shared_ptr<Answer>& answer);
  asio::awaitable<bool> Send(Response response, bool keep_alive);
  // An answer that comes in pieces; whether another request may follow.
  asio::awaitable<bool> SendPieces(const std::shared_ptr<Answer>& answer, Response head, bool keep_alive,
                                   bool may_chunk);
  asio::awaitable<bool> WriteAll(std::string bytes);
  // What an operation under way reads and says; it holds it by itself, for who waits may find no memory to.
  struct Operation {
    std::string head, body;  // to be written
    bool done = false, failed = false;
  };
  std::shared_ptr<Operation> Write(std::string head, std::string body);
  asio::awaitable<bool> Finished(std::shared_ptr<Operation> operation, Clock::duration limit);
  asio::awaitable<void> Linger();

  // Waits until ready() says so; whoever changes what it looks at calls Wake.
  template <typename Ready>
  asio::awaitable<Wait> Until(Clock::time_point deadline, Ready ready);
  void Wake() { signal_.cancel(); }
  // A read is under way from here on, until more bytes or the end came (has_news).
  void StartRead();
  using Notes = std::vector<std::pair<std::string, std::string>>;
  void End(int status, size_t bytes, const Notes* notes = nullptr);

  asio::strand<asio::any_io_executor> strand_;
  Stream stream_;
  SessionHost& host_;
  asio::steady_timer signal_;
  std::array<char, 16384> arriving_;  // of the read under way
  std::string buffer_;                // bytes that nobody took yet
  bool reading_ = false, at_end_ = false;
  bool idle_ = false, leave_ = false;
  Clock::time_point began_;
  size_t body_bytes_ = 0;
  std::optional<Request> current_;  // for the log; its body is moved on
  std::weak_ptr<Answer> answer_;    // of the request at work
};

template <typename Ready>
asio::awaitable<Session::Wait> Session::Until(Clock::time_point deadline, Ready ready) {
  while (!ready()) {
    if (Clock::now() >= deadline) co_return Wait::kLate;
    signal_.expires_at(deadline);
    error_code ignored;
    co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return Wait::kHappened;
}

}  // namespace gatehouse::server

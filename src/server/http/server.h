// HttpServer: HTTP/1.1 on a socket, with or without TLS: connections, framing, limits of size and time. What
// is asked and answered it leaves to a Service.
//
//   GATEHOUSE_ASSIGN(auto server, HttpServer::Listen(options, service));
//   server->Run();   // until somebody calls Stop, or Drain and all answers are out
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/result.h"
#include "server/http/message.h"

namespace gatehouse::server {

struct HttpOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: one that is free
  size_t max_body_bytes = size_t{32} << 20;
  // How long a client may take over its head, over each 8 KiB of its body, and to take an answer.
  std::chrono::milliseconds client_timeout{10000};
  std::chrono::milliseconds idle_timeout{60000};  // of a connection between two requests
  // Draining ends after so long, whatever is not answered by then.
  std::chrono::milliseconds drain_timeout{30000};
  int max_connections = 4096;  // at once; more wait to be accepted
  int threads = 2;
  std::string certificate_file, key_file;  // PEM; empty: no TLS
};

// The way back to whoever asked. Any thread may use it.
class Reply {
 public:
  virtual ~Reply() = default;
  // Once; a second answer is dropped. Whoever asked may be gone.
  virtual void Send(Response response) = 0;
  // Or in pieces: a head whose body is its first bytes, more of them, and an end. Where it is not whole, the
  // connection breaks off, so that the client sees it. Write says how many bytes wait to be sent.
  virtual void Begin(Response head) = 0;
  virtual size_t Write(std::string_view bytes) = 0;
  virtual void End(bool whole, std::vector<std::pair<std::string, std::string>> notes) = 0;
  // Called once, when all that was written is on its way; at once, if it is.
  virtual void OnSent(std::function<void()> sent) = 0;
  // Called at most once, when the client has left before the end of its answer; at once, if that is so
  // already.
  virtual void OnGone(std::function<void()> gone) = 0;
};

// One request that came to its end, for the log and the figures.
struct Exchange {
  const Request* request = nullptr;  // null: its head could not be read
  int status = 0;                    // 0: the client left before its answer
  double seconds = 0;                // from the end of its head
  size_t answer_bytes = 0;
  size_t body_bytes = 0;
  const std::vector<std::pair<std::string, std::string>>* notes = nullptr;  // of the answer, if any
};

class Service {
 public:
  virtual ~Service() = default;
  // By the head alone: an answer here refuses the request, and its body is not read. It may note in the
  // request what it found out.
  virtual std::optional<Response> Refuse(Request& head) = 0;
  virtual void Handle(Request request, std::shared_ptr<Reply> reply) = 0;
  virtual void OnEnd(const Exchange& exchange) = 0;
  // SIGTERM or SIGINT came: from here on Refuse should. SIGHUP.
  virtual void OnTerminate() = 0;
  virtual void OnHangUp() = 0;
};

class HttpServer {
 public:
  // Listens at once: connections wait until Run. Errors: kUsage: no such address, or one in use; a
  // certificate or key that cannot be used.
  static Result<std::unique_ptr<HttpServer>> Listen(const HttpOptions& options, Service& service);
  virtual ~HttpServer() = default;
  // What of that can be found without listening.
  static Result<void> Check(const HttpOptions& options);

  virtual int port() const = 0;
  virtual std::string address() const = 0;
  // Serves on this thread and its own. Returns after a signal, once the answers under way are out, or Stop.
  virtual void Run() = 0;
  virtual void Stop() = 0;  // any thread
};

}  // namespace gatehouse::server

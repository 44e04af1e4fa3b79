// Outgoing: requests of ours to another server, by http or https, on one thread of its own, on which all that
// it calls back is called too, one after the other.
//
//   GATEHOUSE_ASSIGN(const Target target, ParseTarget("http://127.0.0.1:8000/v1"));
//   GATEHOUSE_ASSIGN(auto outgoing, Outgoing::Create(target));
//   auto call = outgoing->Send({"POST", "/chat/completions", headers, body}, timeouts,
//                              [](Result<OutgoingHead> head) { ... call->Read(...) ... });
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "gatehouse/result.h"
#include "server/http/message.h"

namespace gatehouse::server {

struct Target {
  bool tls = false;
  std::string host, port;
  std::string base;  // "/v1": stands before every path
};
// Errors: kUsage. where: what to call it in them.
Result<Target> ParseTarget(const std::string& url, const std::string& where);

struct OutgoingRequest {
  std::string method, path;
  Headers headers;  // without those that frame it, and Host
  std::string body;
  bool at_root = false;  // the path is below the host, not below the target's base
};

struct OutgoingHead {
  int status = 0;
  Headers headers;  // names in small letters
  const std::string* Find(std::string_view name) const;
};

struct OutgoingLimits {
  std::chrono::milliseconds first_byte{30000};  // from Send to the answer's head
  std::chrono::milliseconds silence{60000};     // while its body is read
  size_t max_body_bytes = 16u << 20;
};

// Errors of the calls below: kLate: no answer in time; kBadInput: it answers with what is no HTTP, is
// compressed, framed twice or too large; kModel: it refuses connections or breaks off.
class OutgoingCall {
 public:
  virtual ~OutgoingCall() = default;
  // The next bytes of the answer's body; empty: its end. One at a time.
  virtual void Read(std::function<void(Result<std::string>)> done) = 0;
  // The connection is closed; nothing is called back any more.
  virtual void Cancel() = 0;
};

// All of the answer's body that was not read yet. Nothing is called back once the call was cancelled.
void ReadAll(const std::shared_ptr<OutgoingCall>& call, std::function<void(Result<std::string>)> done);

class Outgoing {
 public:
  static Result<std::unique_ptr<Outgoing>> Create(Target target);
  virtual ~Outgoing() = default;  // its thread ends

  // These two from any thread; a timer runs unless it is let go.
  virtual void Post(std::function<void()> work) = 0;
  virtual std::shared_ptr<void> After(std::chrono::milliseconds time, std::function<void()> work) = 0;
  // From its own thread.
  virtual std::shared_ptr<OutgoingCall> Send(OutgoingRequest request, OutgoingLimits limits,
                                             std::function<void(Result<OutgoingHead>)> done) = 0;
};

}  // namespace gatehouse::server

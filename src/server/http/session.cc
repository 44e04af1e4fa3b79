#include "server/http/session.h"

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <new>
#include <utility>

#include "server/http/answer.h"
#include "server/http/body.h"
#include "server/http/request_id.h"

namespace gatehouse::server {
namespace {

using std::chrono::seconds;

// Grows with what has come, so that a slow sender may be honest, and one byte now and then is not enough.
std::chrono::milliseconds TimeFor(size_t bytes) {
  return std::chrono::milliseconds(1000 * static_cast<int64_t>(bytes) / 8192);
}

// A client still sending would otherwise never read why it was refused: closing with bytes unread resets.
constexpr auto kLinger = seconds(2);
constexpr auto kSilence = std::chrono::milliseconds(250);  // then it has sent all it wanted

// Bytes of later requests that are taken in while one is answered.
constexpr size_t kMostAhead = 64u << 10;

}  // namespace

Session::Session(asio::ip::tcp::socket socket, asio::ssl::context* tls, SessionHost& host)
    : strand_(asio::make_strand(socket.get_executor())),
      stream_(std::move(socket), tls),
      host_(host),
      signal_(strand_) {}

void Session::Start() {
  asio::co_spawn(
      strand_, [self = shared_from_this()] { return self->Run(); },
      [self = shared_from_this()](const std::exception_ptr& failed) {
        if (failed) self->Abandon();
      });
}

// There was no memory to go on: the client sees the end of the connection, and whoever answers that it is
// gone.
void Session::Abandon() {
  error_code ignored;
  stream_.socket().close(ignored);
  at_end_ = true;
  if (const auto answer = answer_.lock()) answer->Leave();
}

void Session::CloseIfIdle() {
  asio::post(strand_, [self = shared_from_this()] {
    self->leave_ = true;
    self->Wake();
  });
}

void Session::StartRead() {
  if (reading_ || at_end_) return;
  reading_ = true;
  stream_.ReadSome(asio::buffer(arriving_),
                   asio::bind_executor(strand_, [self = shared_from_this()](error_code error, size_t bytes) {
                     self->reading_ = false;
                     try {
                       self->buffer_.append(self->arriving_.data(), bytes);
                     } catch (const std::bad_alloc&) {
                       self->at_end_ = true;  // nothing may be read that stands behind what is missing
                     }
                     if (error) self->at_end_ = true;
                     self->Wake();
                   }));
}

asio::awaitable<void> Session::Run() {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  bool open = true;
  if (stream_.is_tls()) {
    const auto operation = std::make_shared<Operation>();
    stream_.Handshake(asio::bind_executor(strand_, [operation, self = shared_from_this()](error_code error) {
      operation->done = true;
      operation->failed = static_cast<bool>(error);
      self->Wake();
    }));
    const bool shaken = co_await Finished(operation, host_.options().client_timeout);
    open = shaken;
  }
  while (open) {
    const bool another = co_await ServeOne();
    open = another;
  }
  stream_.socket().close(ignored);
  // Of a read under way the buffer is ours.
  co_await Until(Clock::time_point::max(), [&] { return !reading_; });
}

asio::awaitable<std::optional<Head>> Session::ReadRequestHead() {
  const auto& options = host_.options();
  size_t looked_at = 0;
  // Between requests a connection may be silent; once a request has begun it has to go on.
  idle_ = true;
  while (buffer_.empty()) {
    StartRead();
    const Wait wait = co_await Until(Clock::now() + options.idle_timeout,
                                     [&] { return !buffer_.empty() || at_end_ || leave_; });
    if (buffer_.empty() && (wait == Wait::kLate || at_end_ || leave_)) co_return std::nullopt;
  }
  idle_ = false;
  const auto deadline = Clock::now() + options.client_timeout;
  for (;;) {
    const HeadEnd end = FindHeadEnd(buffer_, &looked_at);
    if (end.state == HeadEnd::kFound) {
      auto read = ReadHead(std::string_view(buffer_).substr(0, end.bytes));
      if (auto* error = std::get_if<HeadError>(&read)) {
        co_await Refuse(ErrorResponse(error->status, error->message, "malformed_request"));
        co_return std::nullopt;
      }
      buffer_.erase(0, end.bytes);
      co_return std::move(std::get<Head>(read));
    }
    if (end.state == HeadEnd::kBad) {
      co_await Refuse(ErrorResponse(400, "this is no head of an HTTP request", "malformed_request"));
      co_return std::nullopt;
    }
    if (end.state == HeadEnd::kTooLarge) {
      co_await Refuse(ErrorResponse(431, "more than " + std::to_string(kMaxHeadBytes) + " bytes of headers",
                                    "headers_too_large"));
      co_return std::nullopt;
    }
    const size_t before = buffer_.size();
    StartRead();
    if (co_await Until(deadline, [&] { return buffer_.size() > before || at_end_; }) == Wait::kLate) {
      co_await Refuse(ErrorResponse(408, "the head of the request did not come in time", "client_timeout"));
      co_return std::nullopt;
    }
    if (buffer_.size() == before) co_return std::nullopt;
  }
}

// Whether it is whole; else the refusal is out.
asio::awaitable<bool> Session::ReadBody(const Head& head, std::string* body) {
  const auto& options = host_.options();
  BodyReader reader(head, options.max_body_bytes);
  const auto began = Clock::now();
  for (size_t came = 0;;) {
    const size_t held = buffer_.size();
    const BodyReader::State state = reader.Take(&buffer_);
    came += held - buffer_.size();
    if (state == BodyReader::kDone) break;
    if (state == BodyReader::kTooLarge) {
      co_await Refuse(
          ErrorResponse(413, "the body is larger than " + std::to_string(options.max_body_bytes) + " bytes",
                        "body_too_large"));
      co_return false;
    }
    if (state == BodyReader::kBad) {
      co_await Refuse(ErrorResponse(400, "the chunks of the body are malformed", "malformed_request"));
      co_return false;
    }
    const size_t before = buffer_.size();
    StartRead();
    if (co_await Until(began + options.client_timeout + TimeFor(came),
                       [&] { return buffer_.size() > before || at_end_; }) == Wait::kLate) {
      co_await Refuse(ErrorResponse(408, "the body of the request did not come in time", "client_timeout"));
      co_return false;
    }
    if (buffer_.size() == before) {
      End(0, 0);
      co_return false;
    }
  }
  *body = std::move(reader.body());
  co_return true;
}

// The answer; none where the client left.
asio::awaitable<std::optional<Response>> Session::Answered(const std::shared_ptr<Answer>& answer) {
  // Reading finds out whether the client leaves; what it sends ahead is kept for later, up to a limit.
  for (;;) {
    const bool may_read = buffer_.size() < kMostAhead;
    if (may_read) StartRead();
    const Wait wait = co_await Until(Clock::now() + kLook,
                                     [&] { return answer->IsThere() || at_end_ || (may_read && !reading_); });
    // Whoever was to answer found no memory for it.
    if (wait == Wait::kLate && answer.use_count() == 1 && !answer->IsThere()) co_return std::nullopt;
    if (answer->IsThere()) {
      const std::lock_guard lock(answer->mutex);
      co_return std::move(answer->response);
    }
    if (at_end_) {
      answer->Leave();
      co_return std::nullopt;
    }
  }
}

asio::awaitable<bool> Session::ServeOne() {
  began_ = Clock::now();
  std::optional<Head> head = co_await ReadRequestHead();
  if (!head) co_return false;
  began_ = Clock::now();
  head->request.id = RequestId(head->request);
  host_.OnBegin();
  struct Ended {
    SessionHost& host;
    ~Ended() { host.OnEnd(); }
  } ended{host_};

  std::optional<Response> refusal = host_.service().Refuse(head->request);
  current_ = head->request;
  if (refusal) {
    const bool keep = head->keep_alive && !head->has_body() && !refusal->close;
    if (!keep) {
      co_await Refuse(std::move(*refusal));
      co_return false;
    }
    const bool another = co_await Send(std::move(*refusal), true);
    co_return another;
  }
  if (head->length > host_.options().max_body_bytes) {
    co_await Refuse(ErrorResponse(
        413, "the body is larger than " + std::to_string(host_.options().max_body_bytes) + " bytes",
        "body_too_large"));
    co_return false;
  }
  if (head->expects_continue && head->has_body() && buffer_.empty()) {
    static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto said = Write(std::string(kGoOn), {});
    co_await Finished(said, host_.options().client_timeout);
  }
  if (head->has_body()) {
    const bool whole = co_await ReadBody(*head, &head->request.body);
    if (!whole) co_return false;
  }
  body_bytes_ = head->request.body.size();
  const bool keep_alive = head->keep_alive, may_chunk = head->is_1_1;
  const auto answer = std::make_shared<Answer>(shared_from_this());
  answer_ = answer;
  host_.service().Handle(std::move(head->request), answer);
  std::optional<Response> response = co_await Answered(answer);
  if (!response) {
    End(0, 0);
    co_return false;
  }
  if (answer->in_pieces()) {
    const bool another = co_await SendPieces(answer, std::move(*response), keep_alive, may_chunk);
    co_return another;
  }
  const bool another = co_await Send(std::move(*response), keep_alive);
  co_return another;
}

asio::awaitable<bool> Session::Send(Response response, bool keep_alive) {
  if (response.pause.count() > 0 && !host_.draining())
    co_await Until(Clock::now() + response.pause, [&] { return leave_ || at_end_; });
  keep_alive = keep_alive && !response.close && !host_.draining() && !at_end_;
  std::string head = WholeHead(response, current_ ? current_->id : RandomHex(32), keep_alive);
  const size_t bytes = response.body.size();
  const auto sent = Write(std::move(head), std::move(response.body));
  const bool good = co_await Finished(sent, host_.options().client_timeout + TimeFor(bytes));
  End(good ? response.status : 0, bytes, &response.notes);
  if (!keep_alive && good) co_await Linger();
  co_return keep_alive&& good;
}

// Nothing behind a refused request is read as a request.
asio::awaitable<void> Session::Refuse(Response response) {
  response.close = true;
  co_await Send(std::move(response), false);
}

asio::awaitable<void> Session::Linger() {
  error_code ignored;
  if (stream_.is_tls()) {
    // A read under way and the goodbye would both read: the one that is there goes on.
    if (!reading_) {
      const auto operation = std::make_shared<Operation>();
      stream_.SayGoodbye(asio::bind_executor(strand_, [operation, self = shared_from_this()](error_code) {
        operation->done = true;
        self->Wake();
      }));
      co_await Finished(operation, kLinger);
    }
    co_return;
  }
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  const auto deadline = Clock::now() + kLinger;
  while (!at_end_) {
    buffer_.clear();
    StartRead();
    const auto until = std::min(deadline, Clock::now() + kSilence);
    if (co_await Until(until, [&] { return !reading_; }) == Wait::kLate) break;
  }
  buffer_.clear();
}

void Session::End(int status, size_t bytes, const Notes* notes) {
  const std::chrono::duration<double> took = Clock::now() - began_;
  host_.service().OnEnd(
      {current_ ? &*current_ : nullptr, status, took.count(), bytes, std::exchange(body_bytes_, 0), notes});
  current_.reset();
}

}  // namespace gatehouse::server

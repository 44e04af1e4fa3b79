#include "server/http/outgoing.h"

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

#include "base/error.h"

namespace gatehouse::server {
namespace {

namespace net = boost::asio;
namespace web = boost::beast::http;
using Failure = boost::system::error_code;
using Clock = std::chrono::steady_clock;
using TlsStream = net::ssl::stream<net::ip::tcp::socket>;

constexpr size_t kMaxIdleConnections = 64;

std::string InSmallLetters(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

Error Late() { return {ErrorCode::kLate, "no answer in time", "upstream", {}, {}}; }
Error NoAnswer(const std::string& why) {
  return {ErrorCode::kModel, "no whole answer", "upstream", "an answer", why};
}
Error BadAnswer(const std::string& why) {
  return BadInput("an answer that cannot be used", "upstream", "an answer in HTTP/1.1", why);
}

// Beast 1.81 takes it for granted that a last chunk of which it saw a part has five bytes when it looks
// again.
bool MustWait(std::string_view bytes, bool chunked) {
  if (!chunked || bytes.size() >= 5) return false;
  if (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.empty() || bytes == "\r" || bytes.front() == '0';
}

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

Call::Call(Client& client, OutgoingRequest request, OutgoingLimits limits,
           std::function<void(Result<OutgoingHead>)> done)
    : client_(client),
      request_(std::move(request)),
      limits_(limits),
      head_done_(std::move(done)),
      timer_(client.io()) {}

void Call::SetTimer(Clock::time_point at) {
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](Failure error) {
    if (!error && !self->over()) self->Fail(Late());
  });
}

void Call::Begin() {
  if (over_) return;
  const Target& target = client_.target();
  const bool usual = target.port == (target.tls ? "443" : "80");
  const bool bare_ip6 = target.host.find(':') != std::string::npos;
  to_send_ = request_.method + " " + target.base + request_.path +
             " HTTP/1.1\r\nHost: " + (bare_ip6 ? "[" + target.host + "]" : target.host) +
             (usual ? "" : ":" + target.port) + "\r\n";
  for (const auto& [name, value] : request_.headers) to_send_ += name + ": " + value + "\r\n";
  if (request_.method != "GET")
    to_send_ += "Content-Length: " + std::to_string(request_.body.size()) + "\r\n";
  to_send_ += "\r\n" + request_.body;
  SetTimer(began_ + limits_.first_byte);
  wire_ = client_.TakeIdle();
  reused_ = wire_ != nullptr;
  if (reused_) {
    SendAll();
  } else {
    Connect();
  }
}

void Call::Connect() {
  wire_ = client_.NewWire();
  client_.resolver().async_resolve(
      client_.target().host, client_.target().port,
      [self = shared_from_this()](Failure error, const net::ip::tcp::resolver::results_type& found) {
        if (self->over()) return;
        if (error) return self->Fail(NoAnswer("no address: " + error.message()));
        net::async_connect(self->wire_->socket(), found,
                           [self](Failure failure, const net::ip::tcp::endpoint&) {
                             if (self->over()) return;
                             if (failure) return self->Fail(NoAnswer(failure.message()));
                             Failure ignored;
                             self->wire_->socket().set_option(net::ip::tcp::no_delay(true), ignored);
                             self->Shake();
                           });
      });
}

void Call::Shake() {
  if (!wire_->tls) return SendAll();
  const std::string& host = client_.target().host;
  ::SSL_set_tlsext_host_name(wire_->stream.native_handle(), host.c_str());
  Failure error;
  wire_->stream.set_verify_callback(net::ssl::host_name_verification(host), error);
  wire_->stream.async_handshake(net::ssl::stream_base::client, [self = shared_from_this()](Failure failure) {
    if (self->over()) return;
    if (failure) return self->Fail(NoAnswer("TLS: " + failure.message()));
    self->SendAll();
  });
}

void Call::SendAll() {
  parser_.emplace();
  parser_->eager(true);
  parser_->body_limit(limits_.max_body_bytes);
  wire_->Write(net::buffer(to_send_), [self = shared_from_this()](Failure error, size_t) {
    // Where it failed, an answer may be there all the same: a refusal before all was read.
    self->written_ = !error;
  });
  Receive();
}

void Call::Receive() {
  if (receiving_ || over_) return;
  receiving_ = true;
  wire_->ReadSome(net::buffer(arriving_), [self = shared_from_this()](Failure error, size_t count) {
    self->receiving_ = false;
    if (self->over()) return;
    self->buffer_.append(self->arriving_.data(), count);
    if (count > 0) self->any_byte_ = true;
    if (!error) return self->OnBytes();
    // One that was kept open may have been closed meanwhile: nobody has read the request then.
    if (self->reused_ && !self->any_byte_) {
      self->reused_ = false;
      self->wire_->Close();
      self->old_wire_ = std::move(self->wire_);
      return self->Connect();
    }
    Failure failure;
    const bool at_end = error == net::error::eof || error == net::ssl::error::stream_truncated;
    if (at_end && self->told_head_ && self->buffer_.empty()) {
      self->parser_->put_eof(failure);
      if (!failure && self->parser_->is_done()) return self->TellBody();
    }
    self->Fail(NoAnswer(at_end ? "it broke off" : error.message()));
  });
}

void Call::OnBytes() {
  Failure error;
  while (!buffer_.empty() && !parser_->is_done() && !MustWait(buffer_, told_head_ && parser_->chunked())) {
    const size_t used = parser_->put(net::buffer(buffer_), error);
    buffer_.erase(0, used);
    if (error == web::error::need_more) error = {};
    if (error) return Fail(BadAnswer(error.message()));
    if (used == 0) break;
    if (!told_head_ && parser_->is_header_done()) {
      if (!TakeHead()) return;
    }
  }
  if (buffer_.size() > (64u << 10)) return Fail(BadAnswer("a head or a chunk's line without end"));
  if (parser_->is_done() && !buffer_.empty()) return Fail(BadAnswer("bytes behind its end"));
  if (!told_head_) return Receive();
  TellBody();
}

bool Call::TakeHead() {
  const auto& message = parser_->get();
  const int status = message.result_int();
  if (status < 200) {
    Fail(BadAnswer("status " + std::to_string(status)));
    return false;
  }
  OutgoingHead head;
  head.status = status;
  int lengths = 0, codings = 0;
  for (const auto& field : message) {
    head.headers.emplace_back(InSmallLetters({field.name_string().data(), field.name_string().size()}),
                              std::string(field.value().data(), field.value().size()));
    const auto& [name, value] = head.headers.back();
    lengths += name == "content-length";
    codings += name == "transfer-encoding";
    const bool compressed = name == "content-encoding" && InSmallLetters(value) != "identity";
    const bool odd = name == "transfer-encoding" && InSmallLetters(value) != "chunked";
    if (compressed || odd || lengths + codings > 1) {
      Fail(BadAnswer(compressed ? "a compressed body" : odd ? "another coding than chunked" : "two lengths"));
      return false;
    }
  }
  told_head_ = true;
  SetTimer(Clock::now() + limits_.silence);
  if (auto done = std::exchange(head_done_, {})) done(std::move(head));
  return !over_;
}

void Call::Read(std::function<void(Result<std::string>)> done) {
  if (over_ && !failed_) return;
  body_done_ = std::move(done);
  SetTimer(Clock::now() + limits_.silence);
  net::post(client_.io(), [self = shared_from_this()] { self->TellBody(); });
}

void Call::TellBody() {
  if (!body_done_) {
    timer_.cancel();  // whoever reads takes his time
    return;
  }
  if (failed_) {
    auto done = std::exchange(body_done_, {});
    return done(*std::exchange(failed_, std::nullopt));
  }
  if (over_) return;
  std::string& body = parser_->get().body();
  if (body.empty() && !parser_->is_done()) return Receive();
  auto done = std::exchange(body_done_, {});
  if (!body.empty()) return done(std::exchange(body, {}));
  over_ = true;
  timer_.cancel();
  if (parser_->keep_alive() && buffer_.empty() && written_) {
    client_.Keep(std::move(wire_));
  } else {
    wire_->Close();
  }
  done(std::string());
}

void Call::Fail(Error error) {
  over_ = true;
  timer_.cancel();
  if (wire_ != nullptr) wire_->Close();
  if (auto done = std::exchange(head_done_, {})) return done(std::move(error));
  if (auto done = std::exchange(body_done_, {})) return done(std::move(error));
  failed_ = std::move(error);
}

void Call::Cancel() {
  over_ = true;
  head_done_ = {};
  body_done_ = {};
  failed_.reset();
  timer_.cancel();
  if (wire_ != nullptr) wire_->Close();
}

bool IsHostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_';
}

}  // namespace

const std::string* OutgoingHead::Find(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<Target> ParseTarget(const std::string& url, const std::string& where) {
  const Error bad =
      UsageError("malformed address", where, "http://HOST[:PORT][/BASE] or https://...", "another text");
  Target out;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad;
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  out.base = rest.substr(slash);
  while (out.base.ends_with('/')) out.base.pop_back();
  out.port = out.tls ? "443" : "80";
  const size_t bracket = authority.find(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    out.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
  }
  const bool is_ip6 = authority.starts_with('[') && authority.ends_with(']');
  if (is_ip6) authority = authority.substr(1, authority.size() - 2);
  out.host = authority;
  bool good = !out.host.empty() && !out.port.empty() && out.port.size() <= 5;
  for (const char c : out.host) good = good && (IsHostChar(c) || (is_ip6 && c == ':'));
  for (const char c : out.port) good = good && c >= '0' && c <= '9';
  for (const char c : out.base) good = good && c > ' ' && c < 0x7f && c != '?' && c != '#';
  if (!good) return bad;
  return out;
}

Result<std::unique_ptr<Outgoing>> Outgoing::Create(Target target) {
  auto client = std::make_unique<Client>(std::move(target));
  GATEHOUSE_TRY(client->Start());
  return std::unique_ptr<Outgoing>(std::move(client));
}

}  // namespace gatehouse::server

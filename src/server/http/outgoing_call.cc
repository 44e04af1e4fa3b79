#include <utility>

#include "base/error.h"
#include "server/http/outgoing_parts.h"

namespace gatehouse::server::outgoing {
namespace {

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

}  // namespace

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
  to_send_ = request_.method + " " + (request_.at_root ? "" : target.base) + request_.path +
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

}  // namespace gatehouse::server::outgoing

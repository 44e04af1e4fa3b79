// Stream: a connection, plain or TLS, as coroutines read and write it. Used on its connection's strand.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

namespace gatehouse::server {

namespace asio = boost::asio;
using boost::system::error_code;

class Stream {
 public:
  Stream(asio::ip::tcp::socket socket, asio::ssl::context* tls) : socket_(std::move(socket)) {
    if (tls != nullptr) tls_ = std::make_unique<Tls>(socket_, *tls);
  }

  asio::ip::tcp::socket& socket() { return socket_; }
  bool is_tls() const { return tls_ != nullptr; }

  template <typename Done>
  void ReadSome(asio::mutable_buffer buffer, Done done) {
    if (tls_ != nullptr) {
      tls_->async_read_some(buffer, std::move(done));
    } else {
      socket_.async_read_some(buffer, std::move(done));
    }
  }
  template <typename Buffers, typename Done>
  void Write(const Buffers& buffers, Done done) {
    if (tls_ != nullptr) {
      asio::async_write(*tls_, buffers, std::move(done));
    } else {
      asio::async_write(socket_, buffers, std::move(done));
    }
  }
  template <typename Done>
  void Handshake(Done done) {
    tls_->async_handshake(asio::ssl::stream_base::server, std::move(done));
  }
  template <typename Done>
  void SayGoodbye(Done done) {
    tls_->async_shutdown(std::move(done));
  }

 private:
  using Tls = asio::ssl::stream<asio::ip::tcp::socket&>;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace gatehouse::server

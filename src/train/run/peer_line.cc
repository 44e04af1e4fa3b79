#include "train/run/peer_line.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

#include "base/error.h"

namespace gatehouse::train {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using peer::Head;
using peer::Kind;

static_assert(std::endian::native == std::endian::little, "numbers go as they lie");

constexpr uint64_t kLongestReason = 4096;

Error Lost(const std::string& other, const error_code& error) {
  return InternalError(other + " is gone", error.message());
}

}  // namespace

PeerLine::PeerLine(tcp::socket socket, std::string other)
    : socket_(std::move(socket)), other_(std::move(other)) {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  // A machine that was switched off says nothing: asked after ten seconds, it is lost half a minute later.
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  for (const auto& [option, value] : {std::pair{TCP_KEEPIDLE, 10}, {TCP_KEEPINTVL, 5}, {TCP_KEEPCNT, 6}})
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

void PeerLine::Within(double seconds) {
  const auto whole = static_cast<time_t>(seconds);
  const timeval limit{whole, static_cast<suseconds_t>((seconds - static_cast<double>(whole)) * 1e6)};
  ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

Result<void> PeerLine::Send(Head head, const void* bytes) {
  error_code error;
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(&head, sizeof head),
                                                   asio::buffer(bytes, head.bytes)};
  asio::write(socket_, parts, error);
  if (!error) return {};
  // It may have said why before it closed.
  Head last{};
  if (Fill(&last, sizeof last).ok() && last.kind == Kind::kLost && last.bytes <= kLongestReason) {
    std::string text(last.bytes, ' ');
    if (Fill(text.data(), text.size()).ok()) return InternalError(text, "training in several processes");
  }
  return Lost(other_, error);
}

Result<Head> PeerLine::Receive(Kind wanted) {
  Head head{};
  GATEHOUSE_TRY(Fill(&head, sizeof head));
  if (head.kind == Kind::kLost && head.bytes <= kLongestReason) {
    std::string text(head.bytes, ' ');
    GATEHOUSE_TRY(Fill(text.data(), text.size()));
    return InternalError(text, "training in several processes");
  }
  if (head.kind != wanted) return InternalError("another message than was awaited", other_);
  return head;
}

Result<void> PeerLine::Fill(void* to, size_t bytes) {
  // Asio would wait in poll without an end: the socket's own limit needs a plain read.
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::recv(socket_.native_handle(), at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) return Lost(other_, asio::error::eof);
    if (got < 0) return Lost(other_, error_code(errno, boost::system::system_category()));
    at += got;
    bytes -= static_cast<size_t>(got);
  }
  return {};
}

Result<std::string> PeerLine::ReceiveText(Kind wanted, uint64_t most) {
  GATEHOUSE_ASSIGN(const Head head, Receive(wanted));
  if (head.bytes > most) return InternalError("a message that is too long", other_);
  std::string text(head.bytes, ' ');
  GATEHOUSE_TRY(Fill(text.data(), text.size()));
  return text;
}

}  // namespace gatehouse::train

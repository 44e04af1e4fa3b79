// PeerLine: one end of a connection between processes that train together. Every failure names who is at the
// other.
//
//   PeerLine line(std::move(socket), "process 1 of 2");
//   GATEHOUSE_TRY(line.Send({peer::Kind::kText, rank, text.size()}, text.data()));
//   GATEHOUSE_ASSIGN(const std::string answer, line.ReceiveText(peer::Kind::kText, 4096));
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse::train {
namespace peer {

// What one process sends another: this, and so many bytes.
enum class Kind : uint32_t { kHello = 0x67686c31, kWelcome, kValues, kText, kLost };
struct Head {
  Kind kind;
  int32_t rank;  // whose
  uint64_t bytes;
};

}  // namespace peer

class PeerLine {
 public:
  PeerLine(boost::asio::ip::tcp::socket socket, std::string other);

  void set_other(std::string other) { other_ = std::move(other); }
  // Nothing within so many seconds is an error, until the next call; 0: wait as long as it takes.
  void Within(double seconds);

  // Errors, of all: kInternal: the other is gone, or it says why it ends.
  Result<void> Send(peer::Head head, const void* bytes);
  Result<peer::Head> Receive(peer::Kind wanted);
  Result<void> Fill(void* to, size_t bytes);
  Result<std::string> ReceiveText(peer::Kind wanted, uint64_t most);

 private:
  boost::asio::ip::tcp::socket socket_;
  std::string other_;
};

}  // namespace gatehouse::train

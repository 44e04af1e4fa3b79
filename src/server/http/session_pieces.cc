// Answers that come in pieces, as chunks, or to a client of HTTP/1.0 up to the end of the connection.
#include <boost/asio/bind_executor.hpp>
#include <charconv>
#include <utility>

#include "server/http/answer.h"
#include "server/http/session.h"

namespace gatehouse::server {
namespace {

// What a client sends ahead while it is answered; more is read later.
constexpr size_t kMostAheadOfPieces = 64u << 10;

std::string AsChunk(const std::string& bytes) {
  std::array<char, 17> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16);
  return std::string(digits.data(), end) + "\r\n" + bytes + "\r\n";
}

}  // namespace

// Whether they are out.
asio::awaitable<bool> Session::WriteAll(std::string bytes) {
  bool done = false, failed = false;
  stream_.Write(asio::buffer(bytes),
                asio::bind_executor(strand_, [&, self = shared_from_this()](error_code error, size_t) {
                  done = true;
                  failed = static_cast<bool>(error);
                  Wake();
                }));
  // As for whole answers: some time, and a second for each 8 KiB.
  const auto limit =
      host_.options().client_timeout + std::chrono::milliseconds(static_cast<int64_t>(bytes.size() / 8));
  if (co_await Until(Clock::now() + limit, [&] { return done; }) == Wait::kLate) {
    error_code ignored;
    stream_.socket().close(ignored);
    co_await Until(Clock::time_point::max(), [&] { return done; });
    failed = true;
  }
  co_return !failed;
}

asio::awaitable<bool> Session::SendPieces(const std::shared_ptr<Answer>& answer, Response head,
                                          bool keep_alive, bool may_chunk) {
  keep_alive = keep_alive && may_chunk && !head.close && !host_.draining() && !at_end_;
  size_t sent = 0;
  std::string bytes = PiecesHead(head, current_ ? current_->id : std::string(), keep_alive, may_chunk);
  bool good = true, over = false;
  for (;;) {
    const std::string more = answer->TakePending();
    sent += more.size();
    if (!more.empty()) bytes += may_chunk ? AsChunk(more) : more;
    {
      const std::lock_guard lock(answer->mutex);
      over = answer->ended && answer->pending.empty();
      if (over && may_chunk && answer->whole) bytes += "0\r\n\r\n";
    }
    if (!bytes.empty()) {
      good = co_await WriteAll(std::exchange(bytes, {}));
      if (good) answer->OnWritten();
    }
    if (!good || over) break;
    // Reading finds out whether the client leaves.
    for (;;) {
      const bool may_read = buffer_.size() < kMostAheadOfPieces;
      if (may_read) StartRead();
      co_await Until(Clock::time_point::max(),
                     [&] { return answer->HasNews() || at_end_ || (may_read && !reading_); });
      if (answer->HasNews() || at_end_) break;
    }
    if (at_end_ && !answer->HasNews()) {
      good = false;
      break;
    }
  }
  answer->Leave();  // unless it has ended
  const bool whole = good && over && answer->whole;
  End(good ? head.status : 0, sent, &answer->notes);
  if (whole && !keep_alive) co_await Linger();
  co_return whole&& keep_alive && !at_end_ && !host_.draining();
}

}  // namespace gatehouse::server

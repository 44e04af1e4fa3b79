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

std::shared_ptr<Session::Operation> Session::Write(std::string head, std::string body) {
  auto operation = std::make_shared<Operation>();
  operation->head = std::move(head);
  operation->body = std::move(body);
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(operation->head),
                                                     asio::buffer(operation->body)};
  stream_.Write(
      buffers, asio::bind_executor(strand_, [operation, self = shared_from_this()](error_code error, size_t) {
        operation->done = true;
        operation->failed = static_cast<bool>(error);
        self->Wake();
      }));
  return operation;
}

// Whether it came to a good end in time; else the connection is closed. The operation's own end is waited
// for.
asio::awaitable<bool> Session::Finished(std::shared_ptr<Operation> operation, Clock::duration limit) {
  const auto done = [&] { return operation->done; };
  if (co_await Until(Clock::now() + limit, done) == Wait::kLate) {
    error_code ignored;
    stream_.socket().close(ignored);
    co_await Until(Clock::time_point::max(), done);
    operation->failed = true;
  }
  co_return !operation->failed;
}

// Whether they are out. As for whole answers: some time, and a second for each 8 KiB.
asio::awaitable<bool> Session::WriteAll(std::string bytes) {
  const auto limit =
      host_.options().client_timeout + std::chrono::milliseconds(static_cast<int64_t>(bytes.size() / 8));
  const auto written = Write(std::move(bytes), {});
  const bool good = co_await Finished(written, limit);
  co_return good;
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
      co_await Until(Clock::now() + kLook,
                     [&] { return answer->HasNews() || at_end_ || (may_read && !reading_); });
      // Whoever was to go on found no memory for it.
      if (answer.use_count() == 1 && !answer->HasNews()) answer->End(false, {});
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

#include "cli/serve_log.h"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <functional>
#include <string>
#include <utility>

#include "base/elapsed.h"
#include "cli/output.h"
#include "server/log.h"

namespace gatehouse::cli {
namespace {

constexpr auto kTimeAtTheEnd = std::chrono::seconds(1);

// Of the one thread that writes.
class Pipe final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // Lost before they came here.
  void CountBy(std::function<int64_t()> lost_before) { lost_before_ = std::move(lost_before); }
  void Close() {
    last_ = Clock::now() + kTimeAtTheEnd;
    closing_.store(true);
  }
  int64_t lost() const { return lost_.load(); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const int64_t lost = lost_before_();
    if (lost > told_) {
      if (!Put(server::DroppedLines(lost - told_) + "\n")) ++lost_;
      told_ = lost;
    }
    line_.assign(message.payload.data(), message.payload.size());
    line_ += '\n';
    if (!Put(line_)) ++lost_;
  }
  void flush_() override {}

  // In pieces that a pipe takes at once where it takes any.
  bool Put(std::string_view text) {
    while (!text.empty()) {
      if (!WaitForRoom()) return false;
      const size_t piece = std::min<size_t>(text.size(), PIPE_BUF);
      NoteText(text.substr(0, piece));
      text.remove_prefix(piece);
    }
    return true;
  }
  bool WaitForRoom() const {
    constexpr int kLook = 50;  // milliseconds
    pollfd out{STDERR_FILENO, POLLOUT, 0};
    for (;;) {
      const bool over = closing_.load() && Clock::now() >= last_;
      // Anything but silence: what is wrong with it, writing tells.
      if (::poll(&out, 1, over ? 0 : kLook) > 0) return true;
      if (over) return false;
    }
  }

  std::function<int64_t()> lost_before_;
  std::string line_;
  int64_t told_ = 0;
  std::atomic<int64_t> lost_{0};
  Clock::time_point last_;  // set before closing_
  std::atomic<bool> closing_{false};
};

}  // namespace

class ServeLog::Parts {
 public:
  Parts() {
    pipe->CountBy([this, lines = pool.get()] { return LostBefore(*lines); });
    // It would write to standard error by itself.
    logger->set_error_handler([this](const std::string&) { ++failed; });
  }
  int64_t LostBefore(spdlog::details::thread_pool& lines) const {
    return static_cast<int64_t>(lines.overrun_counter()) + failed.load();
  }

  std::atomic<int64_t> failed{0};
  const std::shared_ptr<Pipe> pipe = std::make_shared<Pipe>();
  // Ends first: its thread uses the others.
  const std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kMostLines, 1);
  const std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "serve", pipe, pool, spdlog::async_overflow_policy::overrun_oldest);
};

ServeLog::ServeLog() : parts_(std::make_unique<Parts>()) {}
ServeLog::~ServeLog() { parts_->pipe->Close(); }

void ServeLog::Write(std::string_view line) noexcept {
  parts_->logger->log(spdlog::level::critical, spdlog::string_view_t(line.data(), line.size()));
}

int64_t ServeLog::dropped() const { return parts_->LostBefore(*parts_->pool) + parts_->pipe->lost(); }

}  // namespace gatehouse::cli

#include "cli/progress.h"

#include <unistd.h>

#include <utility>

#include "cli/output.h"

namespace gatehouse::cli {

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(::isatty(STDERR_FILENO) == 1),
      begin_(std::chrono::steady_clock::now()),
      last_(begin_) {}

Progress::~Progress() { Clear(); }

void Progress::Clear() {
  if (shown_) Note("\r\033[K");
  shown_ = false;
}

void Progress::Show(const std::string& line, bool always) {
  if (!terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && !always && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  Note("\r\033[K{}", line);
}

void Progress::Update(int64_t done, int64_t total) {
  if (!terminal_) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  if (total > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const double left = share > 0.0 ? seconds / share - seconds : 0.0;
    Show(fmt::format("{} {:5.1f} %  {:.0f} s left", what_, 100.0 * share, left), done == total);
  } else {
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0.0;
    Show(fmt::format("{} {} done, {:.1f} a second", what_, done, rate), done == total);
  }
}

}  // namespace gatehouse::cli

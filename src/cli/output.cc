#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace gatehouse::cli {
namespace {

// One stream of the process. A first failure stays: nothing behind a gap is written.
class Stream {
 public:
  Stream(int descriptor, const char* name) : descriptor_(descriptor), name_(name) {}

  Result<void> Write(std::string_view text) {
    while (error_ == 0 && !text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written >= 0) {
        text.remove_prefix(static_cast<size_t>(written));
        used_ = true;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {  // somebody made it non-blocking
        pollfd ready{descriptor_, POLLOUT, 0};
        ::poll(&ready, 1, -1);
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    return State();
  }
  // Some file systems tell only now that there was no room.
  Result<void> Close() {
    if (used_ && ::close(descriptor_) != 0 && error_ == 0) error_ = errno;
    return State();
  }
  Result<void> State() const {
    if (error_ == 0) return {};
    return InternalError(std::string("cannot write: ") + std::strerror(error_), name_);
  }
  int error() const { return error_; }

 private:
  int descriptor_;
  const char* name_;
  int error_ = 0;
  bool used_ = false;
};

Stream& Out() {
  static Stream stream(STDOUT_FILENO, "standard output");
  return stream;
}
Stream& Notes() {
  static Stream stream(STDERR_FILENO, "standard error");
  return stream;
}

}  // namespace

Result<void> PrintText(std::string_view text) { return Out().Write(text); }
Result<void> VPrint(fmt::string_view format, fmt::format_args values) {
  return PrintText(fmt::vformat(format, values));
}
void NoteText(std::string_view text) { static_cast<void>(Notes().Write(text)); }
void VNote(fmt::string_view format, fmt::format_args values) { NoteText(fmt::vformat(format, values)); }

void PrepareOutput() {
  std::signal(SIGXFSZ, SIG_IGN);
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one. Opened the wrong way round, so that using it fails as before.
    static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

Result<void> FinishOutput() {
  GATEHOUSE_TRY(Out().Close());
  GATEHOUSE_TRY(Notes().State());
  // The log goes there, too.
  if (std::ferror(stderr) != 0) return InternalError("cannot write", "standard error");
  return {};
}

bool ReaderIsGone() { return Out().error() == EPIPE; }

}  // namespace gatehouse::cli

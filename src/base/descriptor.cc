#include "base/descriptor.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace gatehouse {
namespace {

// Keeps SIGXFSZ and SIGPIPE from this thread, and takes those that came meanwhile. Both are sent to the
// thread that writes, so nobody else's are taken, except one that was already waiting: that one stays.
class WriteSignalsHeld {
 public:
  WriteSignalsHeld() {
    ::sigemptyset(&ours_);
    ::sigaddset(&ours_, SIGXFSZ);
    ::sigaddset(&ours_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    for (const int signal : {SIGXFSZ, SIGPIPE}) {
      if (::sigismember(&pending, signal) == 1) ::sigdelset(&ours_, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &ours_, &before_);
  }
  WriteSignalsHeld(const WriteSignalsHeld&) = delete;
  WriteSignalsHeld& operator=(const WriteSignalsHeld&) = delete;
  ~WriteSignalsHeld() {
    const timespec at_once{0, 0};
    while (::sigtimedwait(&ours_, nullptr, &at_once) > 0 || errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t ours_, before_;
};

// For descriptors that somebody else has told not to wait. 0, or the errno.
int WaitFor(int descriptor, short event) {
  pollfd one{descriptor, event, 0};
  return ::poll(&one, 1, -1) < 0 && errno != EINTR ? errno : 0;
}

}  // namespace

std::string SystemText(int why) { return std::generic_category().message(why); }

int WriteFully(int descriptor, std::string_view bytes) {
  // The system takes at most 2 GiB at once.
  constexpr size_t kMost = size_t{1} << 30;
  const WriteSignalsHeld held;
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size() < kMost ? bytes.size() : kMost);
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    const int why = count == 0 ? EIO : errno;
    if (why == EINTR) continue;
    if (why != EAGAIN) return why;
    if (const int failed = WaitFor(descriptor, POLLOUT)) return failed;
  }
  return 0;
}

int ReadSome(int descriptor, char* out, size_t size, size_t* count) {
  for (;;) {
    const ssize_t got = ::read(descriptor, out, size);
    if (got >= 0) {
      *count = static_cast<size_t>(got);
      return 0;
    }
    const int why = errno;
    if (why == EINTR) continue;
    if (why != EAGAIN) return why;
    if (const int failed = WaitFor(descriptor, POLLIN)) return failed;
  }
}

int Descriptor::Close() {
  if (number_ < 0) return 0;
  // Not repeated when interrupted: the number is free by then, and may be another thread's.
  const int result = ::close(std::exchange(number_, -1));
  return result != 0 && errno != EINTR ? errno : 0;
}

}  // namespace gatehouse

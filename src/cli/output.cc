#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/descriptor.h"
#include "base/error.h"

namespace gatehouse::cli {
namespace {

// One stream of the process. A first failure stays: nothing behind a gap is written.
class Stream {
 public:
  Stream(int descriptor, const char* name) : descriptor_(descriptor), name_(name) {}

  Result<void> Write(std::string_view text) {
    used_ = true;
    if (error_ == 0) error_ = WriteFully(descriptor_, text);
    return State();
  }
  // Some file systems tell only now that there was no room.
  Result<void> Close() {
    if (used_ && error_ == 0) error_ = Descriptor(descriptor_).Close();
    return State();
  }
  Result<void> State() const {
    if (error_ == 0) return {};
    return Error{ErrorCode::kInternal, "cannot write", name_, "", SystemText(error_)};
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
  if (std::ferror(stderr) != 0)
    return InternalError("a line of the log could not be written", "standard error");
  return {};
}

bool ReaderIsGone() { return Out().error() == EPIPE; }

}  // namespace gatehouse::cli

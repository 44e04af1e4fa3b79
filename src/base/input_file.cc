#include "base/input_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gatehouse {
namespace {

Error ReadError(ErrorCode code, const char* what, const std::string& path, int why) {
  return {code, what, path, "a readable file", SystemText(why)};
}

}  // namespace

Result<InputFile> InputFile::Open(const std::string& path, ErrorCode code) {
  int number;
  do {
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);  // a named pipe waits for its writer
  if (number < 0) return ReadError(code, "cannot open file", path, errno);
  Descriptor file(number);
  struct stat info {};
  if (::fstat(number, &info) != 0) return ReadError(code, "cannot read file", path, errno);
  if (S_ISDIR(info.st_mode)) return ReadError(code, "cannot read file", path, EISDIR);
  return InputFile(std::move(file), path, code);
}

InputFile InputFile::StandardInput() {
  // A copy of the number, so that the descriptor itself stays open.
  return InputFile(Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)), "standard input",
                   ErrorCode::kBadInput);
}

bool InputFile::WouldWait() const {
  pollfd wanted = {file_.number(), POLLIN, 0};
  // What cannot be asked is read, and waited for.
  return ::poll(&wanted, 1, /*timeout=*/0) == 0;
}

Result<size_t> InputFile::Read(char* out, size_t size) {
  size_t count = 0;
  if (const int why = ReadSome(file_.number(), out, size, &count))
    return ReadError(code_, "cannot read file", name_, why);
  return count;
}

Result<std::string> InputFile::ReadAll(size_t max_bytes) {
  constexpr size_t kPiece = size_t{64} << 10;
  std::string out;
  struct stat info {};
  if (::fstat(file_.number(), &info) == 0 && S_ISREG(info.st_mode))
    out.reserve(std::min(static_cast<size_t>(info.st_size), max_bytes) + kPiece);
  for (;;) {
    const size_t before = out.size();
    out.resize(before + kPiece);
    GATEHOUSE_ASSIGN(const size_t count, Read(out.data() + before, kPiece));
    out.resize(before + count);
    if (count == 0) return out;
    if (out.size() > max_bytes)
      return Error{code_, "file too large", name_, "at most " + std::to_string(max_bytes) + " bytes", "more"};
  }
}

Result<std::string> ReadFile(const std::string& path, size_t max_bytes, ErrorCode code) {
  GATEHOUSE_ASSIGN(InputFile file, InputFile::Open(path, code));
  return file.ReadAll(max_bytes);
}

Result<bool> IsThere(const std::string& path, ErrorCode code) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ReadError(code, "cannot look for file", path, errno);
}

Result<std::optional<std::string>> ReadFileIfThere(const std::string& path, size_t max_bytes,
                                                   ErrorCode code) {
  GATEHOUSE_ASSIGN(const bool there, IsThere(path, code));
  if (!there) return std::optional<std::string>();
  GATEHOUSE_ASSIGN(std::string text, ReadFile(path, max_bytes, code));
  return std::optional<std::string>(std::move(text));
}

bool IsSameFile(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace gatehouse

#include "cli/input.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"

namespace gatehouse::cli {
namespace {

constexpr size_t kChunk = 64 << 10;

// Up to so many bytes; 0: the end.
Result<size_t> ReadSome(int descriptor, const std::string& name, char* to, size_t size) {
  while (true) {
    const ssize_t got = ::read(descriptor, to, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd ready{descriptor, POLLIN, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return BadInput(std::string("cannot read: ") + std::strerror(errno), name);
    }
  }
}

}  // namespace

std::string InputName(const std::string& path) { return path == "-" ? "standard input" : path; }

Result<std::string> ReadInput(const std::string& path, size_t max_bytes) {
  if (path != "-") return ReadFile(path, max_bytes);
  std::string out;
  while (true) {
    const size_t before = out.size();
    out.resize(before + std::max(kChunk, before / 2));
    GATEHOUSE_ASSIGN(const size_t got,
                     ReadSome(STDIN_FILENO, InputName(path), out.data() + before, out.size() - before));
    out.resize(before + got);
    if (got == 0) return out;
    if (out.size() > max_bytes)
      return BadInput("too large", InputName(path), "at most " + std::to_string(max_bytes) + " bytes",
                      "more");
  }
}

LineReader::LineReader(std::string name, int descriptor, size_t max_line)
    : name_(std::move(name)), descriptor_(descriptor), max_line_(max_line) {}
LineReader::LineReader(LineReader&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      max_line_(other.max_line_),
      buffer_(std::move(other.buffer_)),
      at_(other.at_) {}
LineReader::~LineReader() {
  if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

Result<LineReader> LineReader::Open(const std::string& path, size_t max_line) {
  int descriptor = STDIN_FILENO;
  if (path != "-") descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return BadInput(std::string("cannot open: ") + std::strerror(errno), path);
  return LineReader(InputName(path), descriptor, max_line);
}

Result<void> LineReader::Fill() {
  buffer_.resize(kChunk);
  at_ = 0;
  auto got = ReadSome(descriptor_, name_, buffer_.data(), buffer_.size());
  buffer_.resize(got.ok() ? *got : 0);
  GATEHOUSE_TRY(got);
  return {};
}

Result<bool> LineReader::Next(Line* line) {
  line->text.clear();
  line->cut = false;
  for (bool any = false;; any = true) {
    if (at_ == buffer_.size()) {
      GATEHOUSE_TRY(Fill());
      if (buffer_.empty()) return any;
    }
    const size_t newline = std::min(buffer_.find('\n', at_), buffer_.size());
    const size_t room = max_line_ - line->text.size();
    line->cut = line->cut || newline - at_ > room;
    line->text.append(buffer_, at_, std::min(newline - at_, room));
    const bool whole = newline < buffer_.size();
    at_ = whole ? newline + 1 : newline;
    if (whole) return true;
  }
}

}  // namespace gatehouse::cli

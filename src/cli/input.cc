#include "cli/input.h"

#include <algorithm>

namespace gatehouse::cli {
namespace {

constexpr size_t kChunk = 64 << 10;

Result<InputFile> Open(const std::string& path) {
  if (path == "-") return InputFile::StandardInput();
  return InputFile::Open(path);
}

}  // namespace

std::string InputName(const std::string& path) { return path == "-" ? "standard input" : path; }

Result<std::string> ReadInput(const std::string& path, size_t max_bytes) {
  GATEHOUSE_ASSIGN(InputFile file, Open(path));
  return file.ReadAll(max_bytes);
}

Result<LineReader> LineReader::Open(const std::string& path, size_t max_line) {
  GATEHOUSE_ASSIGN(InputFile file, cli::Open(path));
  return LineReader(std::move(file), max_line);
}

Result<bool> LineReader::Next(Line* line) {
  line->text.clear();
  line->cut = false;
  for (bool any = false;; any = true) {
    if (at_ == buffer_.size()) {
      buffer_.resize(kChunk);
      at_ = 0;
      GATEHOUSE_ASSIGN(const size_t got, file_.Read(buffer_.data(), kChunk));
      buffer_.resize(got);
      if (got == 0) return any;
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

bool LineReader::WouldWait() const {
  return buffer_.find('\n', at_) == std::string::npos && file_.WouldWait();
}

}  // namespace gatehouse::cli

// What the commands read: a file, or standard input by the name "-". Every read is checked.
//
//   GATEHOUSE_ASSIGN(LineReader lines, LineReader::Open("-", 1 << 20));
//   LineReader::Line line;
//   while (true) {
//     GATEHOUSE_ASSIGN(const bool more, lines.Next(&line));
//     if (!more) break;
//     Use(line.text);
//   }
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/input_file.h"
#include "gatehouse/result.h"

namespace gatehouse::cli {

// For messages: the path, or "standard input".
std::string InputName(const std::string& path);

// All of it. Errors: kBadInput: missing, unreadable, larger than max_bytes.
Result<std::string> ReadInput(const std::string& path, size_t max_bytes);

class LineReader {
 public:
  struct Line {
    std::string text;  // without the newline
    bool cut = false;  // it was longer than allowed: its beginning
  };
  // Errors: kBadInput, here and below: missing, unreadable.
  static Result<LineReader> Open(const std::string& path, size_t max_line);
  // False: the end.
  Result<bool> Next(Line* line);
  // Whether the next line is not there yet, and whoever writes it may be waiting for an answer first.
  bool WouldWait() const;

 private:
  LineReader(InputFile file, size_t max_line) : file_(std::move(file)), max_line_(max_line) {}

  InputFile file_;
  size_t max_line_;
  std::string buffer_;  // read, and from at_ on not yet given out
  size_t at_ = 0;
};

}  // namespace gatehouse::cli

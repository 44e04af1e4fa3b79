// Progress: one line on stderr that says how far a long job is; silent unless stderr is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gatehouse::cli {

class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();  // clears the line
  void Update(int64_t done, int64_t total);
  // A line of the caller's own, at most ten times a second, except that `always` shows it at once.
  void Show(const std::string& line, bool always);
  void Clear();

 private:
  std::string what_;
  bool shown_ = false;
  bool terminal_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace gatehouse::cli

// ServeLog: the server's log on standard error, by a thread of its own, for nobody who is served may wait
// until somebody reads a log. What comes while a pipe is full is kept, up to kMostLines; then the oldest
// lines go, counted, and the log says where they stood. At the end what is left has a second to go out.
//
//   ServeLog out;
//   RequestLog log(level, [&](std::string_view line) { out.Write(line); });
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace gatehouse::cli {

class ServeLog {
 public:
  static constexpr int kMostLines = 2048;

  ServeLog();
  ~ServeLog();
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  // Never waits. Without a line end.
  void Write(std::string_view line) noexcept;
  int64_t dropped() const;  // lines, so far

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gatehouse::cli

// The server's log: a line of JSON for each request and event. No content, no key, no text of a client but
// its x-request-id, which is checked.
//
//   RequestLog log(LogLevel::kInfo, [](std::string_view line) { ...write it and a line end... });
//   log.Event(LogLevel::kInfo, "listening", std::move(JsonObject().Add("port", 8080)));
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "formats/json_object.h"
#include "server/http/server.h"

namespace gatehouse::server {

class RequestLog {
 public:
  // write: called by one thread at a time, and must not wait. dropped: lines that it took and nobody will
  // read; none: it drops none.
  RequestLog(LogLevel lowest, std::function<void(std::string_view)> write,
             std::function<int64_t()> dropped = {})
      : lowest_(lowest), write_(std::move(write)), dropped_(std::move(dropped)) {}

  void Write(const Exchange& exchange);
  void Event(LogLevel level, std::string_view event, JsonObject details = {});
  // The library's own log comes the same way from here on.
  void TakeLibraryLog();
  int64_t dropped() const { return dropped_ ? dropped_() : 0; }

 private:
  const LogLevel lowest_;
  std::mutex mutex_;
  const std::function<void(std::string_view)> write_;
  const std::function<int64_t()> dropped_;
};

// The line that stands where so many are missing.
std::string DroppedLines(int64_t count);

}  // namespace gatehouse::server

// The server's log: a line of JSON for each request and event. No content, no key, no text of a client but
// its x-request-id, which is checked.
//
//   RequestLog log(LogLevel::kInfo, [](std::string_view line) { ...write it and a line end... });
//   log.Event(LogLevel::kInfo, "listening", std::move(JsonObject().Add("port", 8080)));
#pragma once

#include <functional>
#include <mutex>
#include <string_view>

#include "base/log.h"
#include "formats/json_object.h"
#include "server/http/server.h"

namespace gatehouse::server {

class RequestLog {
 public:
  // write: called by one thread at a time.
  RequestLog(LogLevel lowest, std::function<void(std::string_view)> write)
      : lowest_(lowest), write_(std::move(write)) {}

  void Write(const Exchange& exchange);
  void Event(LogLevel level, std::string_view event, JsonObject details = {});
  // The library's own log comes the same way from here on.
  void TakeLibraryLog();

 private:
  const LogLevel lowest_;
  std::mutex mutex_;
  const std::function<void(std::string_view)> write_;
};

}  // namespace gatehouse::server

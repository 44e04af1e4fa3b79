#include "server/log.h"

#include <chrono>
#include <ctime>
#include <string>

#include "server/routes.h"

namespace gatehouse::server {
namespace {

std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[40];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  std::string fraction = std::to_string(1000 + milliseconds);
  fraction.front() = '.';
  return std::string(text, size) + fraction + "Z";
}

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return "trace";
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    default:
      return "error";
  }
}

std::string EventLine(LogLevel level, std::string_view event, const JsonObject& details) {
  return JsonObject()
      .Add("time", Now())
      .Add("level", NameOf(level))
      .Add("event", event)
      .Add("details", details)
      .Text();
}

}  // namespace

std::string DroppedLines(int64_t count) {
  return EventLine(LogLevel::kWarn, "log lines dropped", JsonObject().Add("count", count));
}

void RequestLog::Event(LogLevel level, std::string_view event, JsonObject details) {
  if (level < lowest_) return;
  const std::string line = EventLine(level, event, details);
  const std::lock_guard lock(mutex_);
  write_(line);
}

void RequestLog::Write(const Exchange& exchange) {
  const LogLevel level = exchange.status >= 500 ? LogLevel::kWarn : LogLevel::kInfo;
  if (level < lowest_) return;
  JsonObject line;
  line.Add("time", Now()).Add("level", NameOf(level)).Add("event", "request");
  if (const Request* request = exchange.request) {
    line.Add("id", request->id);
    if (!request->client.empty()) line.Add("client", request->client);
    // Paths that are not ours are somebody's text.
    if (request->route < kRoutes.size())
      line.Add("method", request->method).Add("path", kRoutes[request->route].path);
  }
  line.Add("status", exchange.status)
      .AddRounded("ms", exchange.seconds * 1e3, 3)
      .Add("bytes_in", exchange.body_bytes)
      .Add("bytes_out", exchange.answer_bytes);
  if (exchange.notes != nullptr) {
    for (const auto& [name, value] : *exchange.notes) line.Add(name.c_str(), value);
  }
  const std::string text = line.Text();
  const std::lock_guard lock(mutex_);
  write_(text);
}

void RequestLog::TakeLibraryLog() {
  SetLogSink(lowest_, [this](LogLevel level, std::string_view message) {
    Event(level, "library", std::move(JsonObject().Add("message", message)));
  });
}

}  // namespace gatehouse::server

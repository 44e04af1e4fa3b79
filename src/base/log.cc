#include "base/log.h"

#include <atomic>
#include <mutex>
#include <utility>

namespace gatehouse {
namespace {

struct Sink {
  std::mutex mutex;
  std::function<void(LogLevel, std::string_view)> write;
};

Sink& TheSink() {
  static Sink* sink = new Sink;  // never destroyed: threads may log while the program ends
  return *sink;
}

std::atomic<LogLevel> lowest_level{LogLevel::kOff};

}  // namespace

void SetLogSink(LogLevel lowest, std::function<void(LogLevel, std::string_view)> sink) {
  std::lock_guard lock(TheSink().mutex);
  TheSink().write = std::move(sink);
  lowest_level.store(TheSink().write ? lowest : LogLevel::kOff, std::memory_order_relaxed);
}

bool LogEnabled(LogLevel level) {
  return level != LogLevel::kOff && level >= lowest_level.load(std::memory_order_relaxed);
}

void Log(LogLevel level, std::string_view message) {
  if (!LogEnabled(level)) return;
  std::lock_guard lock(TheSink().mutex);
  if (TheSink().write) TheSink().write(level, message);
}

}  // namespace gatehouse

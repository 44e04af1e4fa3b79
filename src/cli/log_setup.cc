#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "cli/command.h"
#include "text/utf8.h"

namespace gatehouse::cli {

void SetUpLog(const std::string& level) {
  static const std::map<std::string, LogLevel> kLevels = {
      {"trace", LogLevel::kTrace}, {"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo},
      {"warn", LogLevel::kWarn},   {"error", LogLevel::kError}, {"off", LogLevel::kOff}};
  static const std::map<LogLevel, spdlog::level::level_enum> kTheirs = {
      {LogLevel::kTrace, spdlog::level::trace}, {LogLevel::kDebug, spdlog::level::debug},
      {LogLevel::kInfo, spdlog::level::info},   {LogLevel::kWarn, spdlog::level::warn},
      {LogLevel::kError, spdlog::level::err},   {LogLevel::kOff, spdlog::level::off}};
  const auto found = kLevels.find(level);
  if (found == kLevels.end() || found->second == LogLevel::kOff) return SetLogSink(LogLevel::kOff, {});
  auto logger =
      std::make_shared<spdlog::logger>("gatehouse", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(kTheirs.at(found->second));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  SetLogSink(found->second, [logger](LogLevel at, std::string_view message) {
    std::string storage;
    logger->log(kTheirs.at(at), "{}", RepairUtf8(message, &storage));
  });
}

}  // namespace gatehouse::cli

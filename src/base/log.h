// Log: what happens inside, for whoever runs the program. Silent until a program sets a sink: a library does
// not print.
//
//   if (LogEnabled(LogLevel::kInfo)) Log(LogLevel::kInfo, "model loaded in " + ...);
#pragma once

#include <functional>
#include <string_view>

namespace gatehouse {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// Messages of `lowest` and above go to `sink`, one at a time, from any thread.
void SetLogSink(LogLevel lowest, std::function<void(LogLevel, std::string_view)> sink);

bool LogEnabled(LogLevel level);
void Log(LogLevel level, std::string_view message);

}  // namespace gatehouse

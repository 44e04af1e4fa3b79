// How long something took.
#pragma once

#include <chrono>

namespace gatehouse {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}
inline double MillisecondsSince(Clock::time_point begin) { return SecondsSince(begin) * 1e3; }

}  // namespace gatehouse

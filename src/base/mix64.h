// Mix64: scrambles 64 bits, so that neighbouring numbers share nothing to be seen (splitmix64's finaliser).
#pragma once

#include <cstdint>

namespace gatehouse {

inline constexpr uint64_t kGolden64 = 0x9E3779B97F4A7C15u;  // 2^64 over the golden ratio: steps of a counter

inline uint64_t Mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace gatehouse

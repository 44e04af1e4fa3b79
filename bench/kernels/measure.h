// How benchmarks of kernels measure: aligned memory, and rates by the wall clock and by threads' own time.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "base/thread_pool.h"

namespace gatehouse::bench {

struct Free {
  void operator()(void* data) const { std::free(data); }
};
using Memory = std::unique_ptr<void, Free>;

// A whole number of lines, aligned to one; ends the program where there is no memory.
inline Memory Aligned(int64_t bytes) {
  void* data = std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64));
  if (data == nullptr) std::exit(1);
  return Memory(data);
}

inline double ThreadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Units a second of all threads together, by the wall clock and by their own time.
struct Rate {
  double wall = 0;
  double cpu = 0;

  void Improve(const Rate& other) {
    wall = std::max(wall, other.wall);
    cpu = std::max(cpu, other.cpu);
  }
};

// body(index, thread) does units_each; how fast all of them get done.
inline Rate Measure(ThreadPool& pool, int64_t count, double units_each,
                    const std::function<void(int64_t, int)>& body) {
  std::vector<double> busy(static_cast<size_t>(pool.threads()) * 8);  // a line each
  const auto begin = std::chrono::steady_clock::now();
  pool.For(count, [&](int64_t index, int thread) {
    const double start = ThreadSeconds();
    body(index, thread);
    busy[static_cast<size_t>(thread) * 8] += ThreadSeconds() - start;
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  double total = 0;
  for (const double one : busy) total += one;
  const double units = units_each * static_cast<double>(count);
  return {units / seconds, units / total * pool.threads()};
}

}  // namespace gatehouse::bench

// How fast kernels are, and how fast they could be: rates of loops over threads, and the two limits that a
// product is compared with, a table's own multiply-add without memory and a plain read without arithmetic.
//
//   const Rate peak = PeakRate(pool, kernel.peak_loop);   // operations a second, two for a multiply-add
//   const Rate read = ReadRate(pool, weights, bytes);     // bytes a second
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>

#include "base/thread_pool.h"

namespace gatehouse {

struct FreeMemory {
  void operator()(void* data) const { std::free(data); }
};
using AlignedMemory = std::unique_ptr<void, FreeMemory>;

// A whole number of lines of 64 bytes, aligned to one, each byte of them `value`. Throws std::bad_alloc.
AlignedMemory FilledMemory(int64_t bytes, int value);

// Units a second of all threads together, by the wall clock and by their own time.
struct Rate {
  double wall = 0;
  double cpu = 0;

  void Improve(const Rate& other) {
    wall = std::max(wall, other.wall);
    cpu = std::max(cpu, other.cpu);
  }
};

// body(index, thread) does units_each; how fast all of `count` get done.
Rate MeasureRate(ThreadPool& pool, int64_t count, double units_each,
                 const std::function<void(int64_t, int)>& body);

// Operations a second of a table's peak_loop (linear/linear.h, quant/quant.h) on all threads; takes about
// `seconds`.
Rate PeakRate(ThreadPool& pool, double (*peak_loop)(int64_t iterations), double seconds);

// Bytes a second of one plain read of data on all threads. What is to be memory's speed and not a cache's
// must be larger than the caches.
Rate ReadRate(ThreadPool& pool, const void* data, int64_t bytes);

}  // namespace gatehouse

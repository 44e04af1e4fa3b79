#include "kernels/measure.h"

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <vector>

namespace gatehouse {
namespace {

constexpr int64_t kLine = 64;
constexpr int64_t kReadBlock = 256 << 10;  // bytes that a thread reads at once

double ThreadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Keeps the compiler from leaving reads out.
std::atomic<uint64_t> sink;

// By whatever vectors the compiler has: memory is the limit.
void Read(const void* data, int64_t bytes) {
  const auto* words = static_cast<const uint64_t*>(data);
  uint64_t sum[8] = {};
  for (int64_t i = 0; i + 8 <= bytes / 8; i += 8) {
    __builtin_prefetch(words + i + 256);
    for (int64_t j = 0; j < 8; ++j) sum[j] += words[i + j];
  }
  for (const uint64_t one : sum) sink.fetch_add(one, std::memory_order_relaxed);
}

}  // namespace

AlignedMemory FilledMemory(int64_t bytes, int value) {
  const size_t size = static_cast<size_t>((bytes + kLine - 1) / kLine * kLine);
  AlignedMemory data(std::aligned_alloc(kLine, size));
  if (data == nullptr) throw std::bad_alloc();
  std::memset(data.get(), value, size);
  return data;
}

Rate MeasureRate(ThreadPool& pool, int64_t count, double units_each,
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

Rate PeakRate(ThreadPool& pool, double (*peak_loop)(int64_t iterations), double seconds) {
  constexpr int64_t kTrial = 20'000;
  // The first trial wakes processors up; the second says how many iterations fill the time.
  peak_loop(kTrial);
  const double start = ThreadSeconds();
  const double operations = peak_loop(kTrial);
  const double trial = std::max(1e-7, ThreadSeconds() - start);
  const auto iterations = static_cast<int64_t>(std::max(1.0, seconds / trial * kTrial));
  // One share a thread: an index is taken once, and each takes equally long.
  return MeasureRate(pool, pool.threads(), operations / kTrial * static_cast<double>(iterations),
                     [&](int64_t, int) { peak_loop(iterations); });
}

Rate ReadRate(ThreadPool& pool, const void* data, int64_t bytes) {
  const int64_t blocks = std::max<int64_t>(1, bytes / kReadBlock);
  const int64_t each = bytes / blocks / kLine * kLine;
  return MeasureRate(pool, blocks, static_cast<double>(each),
                     [&](int64_t block, int) { Read(static_cast<const char*>(data) + block * each, each); });
}

}  // namespace gatehouse

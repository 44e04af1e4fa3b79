#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace gatehouse {
namespace {

// About 100 us of polling before a thread sleeps: the gap between two loops of one forward is shorter.
constexpr int kSpins = 4000;

constexpr uint32_t kWorkersMask = 0xFFF;  // more than the 1024 threads that a backend may have
constexpr uint32_t kClosed = 0x1000;
constexpr uint32_t kOneLoop = 0x2000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : state_(kClosed) {
  for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { Work(thread); });
}

ThreadPool::~ThreadPool() {
  stop_.store(true);
  state_.fetch_add(kOneLoop);
  state_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::RunShare(int thread) {
  for (;;) {
    const int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= count_) return;
    (*body_)(index, thread);
  }
}

void ThreadPool::For(int64_t count, const std::function<void(int64_t, int)>& body) {
  if (count <= 0) return;
  if (workers_.empty() || count == 1) {
    for (int64_t index = 0; index < count; ++index) body(index, 0);
    return;
  }
  body_ = &body;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  // A new number, open, nobody in it: what is written above is seen by whoever joins.
  const uint32_t last = state_.load(std::memory_order_relaxed);
  state_.store((last & ~(kClosed | kWorkersMask)) + kOneLoop, std::memory_order_release);
  state_.notify_all();  // no system call unless somebody sleeps
  RunShare(0);
  uint32_t state = state_.fetch_or(kClosed, std::memory_order_acquire);
  for (int spin = 0; (state & kWorkersMask) != 0; ++spin) {
    if (spin < kSpins) {
      Pause();
    } else {
      std::this_thread::yield();
    }
    state = state_.load(std::memory_order_acquire);
  }
}

void ThreadPool::Work(int thread) {
  for (int spin = 0;;) {
    uint32_t state = state_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_acquire)) return;
    if ((state & kClosed) == 0) {
      // Joins unless the loop was closed meanwhile.
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) continue;
      RunShare(thread);
      // Indices are gone: what remains open of this loop has nothing to do.
      state_.fetch_or(kClosed, std::memory_order_release);
      state_.fetch_sub(1, std::memory_order_release);
      spin = 0;
    } else if (++spin < kSpins) {
      Pause();
    } else {
      state_.wait(state, std::memory_order_acquire);
      spin = 0;
    }
  }
}

int ThreadPool::DefaultThreads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1u, std::thread::hardware_concurrency());
  // Siblings share the units that products need, so count one logical processor a core where the kernel
  // tells.
  int cores = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    int first = cpu;
    const std::string path =
        "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list";
    // The list begins with the first sibling: "0" or "0,64" or "0-1".
    std::ifstream siblings(path);
    if (!(siblings >> first)) first = cpu;
    if (first == cpu || !CPU_ISSET(first, &set)) ++cores;
  }
  return std::max(1, cores);
}

}  // namespace gatehouse

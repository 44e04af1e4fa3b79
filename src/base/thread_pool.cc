#include "base/thread_pool.h"

#include <algorithm>
#include <utility>

#include "base/processors.h"

namespace gatehouse {
namespace {

// About 100 us of polling before a thread sleeps: the gap between two loops of one forward is shorter.
constexpr int kSpins = 4000;

constexpr uint32_t kWorkersMask = 0xFFF;
static_assert(ThreadPool::kMaxThreads <= kWorkersMask);
constexpr uint32_t kClosed = 0x1000;
constexpr uint32_t kOneLoop = 0x2000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : state_(kClosed) {
  try {
    workers_.reserve(static_cast<size_t>(threads));
    for (int thread = 1; thread < threads; ++thread) workers_.emplace_back([this, thread] { Work(thread); });
  } catch (...) {
    Stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Stop() {
  stop_.store(true);
  state_.fetch_add(kOneLoop);
  state_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::RunShare(int thread) {
  try {
    for (;;) {
      const int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
      if (index >= count_) return;
      (*body_)(index, thread);
    }
  } catch (...) {
    next_.store(count_, std::memory_order_relaxed);  // nobody begins another
    // What is written here is seen by For(), which waits for this thread to leave the loop.
    if (!failed_.exchange(true, std::memory_order_relaxed)) failure_ = std::current_exception();
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
  if (failed_.load(std::memory_order_relaxed)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(failure_, nullptr));
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

int ThreadPool::DefaultThreads() { return std::min(UsableCores(), kMaxThreads); }

}  // namespace gatehouse

// ThreadPool: a fixed set of threads that run one loop together.
//
//   ThreadPool pool(2);
//   pool.For(panels, [&](int64_t panel, int thread) { ... });
//
// For() hands out indices 0..count-1, each to exactly one thread, and returns when all are done; the calling
// thread works as thread 0. Which thread takes an index never influences a result. Where the body throws, no
// further index is begun, and For() throws the first exception once nobody works any more: the pool is as
// before. One thread at a time calls For().
//
// A loop is a few microseconds long where a model is small, so nobody waits for a thread that has not begun:
// workers poll for some time before they sleep, join a loop only while it is open, and For() closes it when
// no index is left and waits for those that joined.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace gatehouse {

class ThreadPool {
 public:
  // threads: 1 .. kMaxThreads. Throws std::system_error where the system gives no more of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  void For(int64_t count, const std::function<void(int64_t index, int thread)>& body);

  static constexpr int kMaxThreads = 1024;
  // One for each physical core that this process may use (base/processors.h).
  static int DefaultThreads();

 private:
  void Work(int thread);
  void RunShare(int thread);
  void Stop();

  std::vector<std::thread> workers_;
  // Which loop (its number, upper bits), whether it is closed, and how many workers are in it. count_ and
  // body_ change only while it is closed and nobody is in it.
  std::atomic<uint32_t> state_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> next_{0};
  int64_t count_ = 0;
  const std::function<void(int64_t, int)>* body_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  // of whoever set failed_
};

}  // namespace gatehouse

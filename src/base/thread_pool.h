// ThreadPool: a fixed set of threads that run one loop together.
//
//   ThreadPool pool(2);
//   pool.For(panels, [&](int64_t panel, int thread) { ... });
//
// For() hands out indices 0..count-1, each to exactly one thread, and returns when all are done; the calling
// thread works as thread 0. Which thread takes an index never influences a result. The body must not throw.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gatehouse {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);  // at least 1
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  void For(int64_t count, const std::function<void(int64_t index, int thread)>& body);

  // Physical cores that this process may use.
  static int DefaultThreads();

 private:
  void Work(int thread);
  void RunShare(int thread);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> running_{0};
  std::atomic<int64_t> next_{0};
  int64_t count_ = 0;
  const std::function<void(int64_t, int)>* body_ = nullptr;
  bool stop_ = false;
};

}  // namespace gatehouse

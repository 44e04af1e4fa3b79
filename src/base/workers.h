// Workers: some threads that run what is put before them, in order. Putting takes no memory and cannot fail.
//
//   class Item : public WorkItem { void Run() noexcept override { ... } };
//   workers.Post(item);  // again while it waits: once; again while it runs: once more afterwards
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gatehouse {

class WorkItem {
 public:
  virtual ~WorkItem() = default;
  virtual void Run() noexcept = 0;

 private:
  friend class Workers;
  std::shared_ptr<WorkItem> next_;
  bool waits_ = false;
};

class Workers {
 public:
  explicit Workers(int threads);  // throws what std::thread does
  ~Workers();                     // lets go of what waits
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void Post(std::shared_ptr<WorkItem> item) noexcept;
  // Ends the threads, after what waits (`all`) or before it.
  void Stop(bool all);

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable something_;
  std::shared_ptr<WorkItem> first_;
  WorkItem* last_ = nullptr;
  bool stops_ = false, stops_at_once_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse

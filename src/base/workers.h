// Workers: some threads that run what is put before them: in order, and where it stands in several lanes, one
// item of each after the other. Putting takes no memory and cannot fail.
//
//   class Item : public WorkItem { void Run() noexcept override { ... } };
//   workers.Post(item);        // again while it waits: once; again while it runs: once more afterwards
//   workers.Post(item, lane);  // a crowd in one lane does not hold up who comes in another
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
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

// The items of one sender, say. Belongs to one Workers.
class WorkLane {
 private:
  friend class Workers;
  std::shared_ptr<WorkItem> first_;
  WorkItem* last_ = nullptr;
  std::shared_ptr<WorkLane> next_;  // that waits, too
};

class Workers {
 public:
  explicit Workers(int threads);  // throws what std::thread does
  ~Workers();                     // lets go of what waits
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  void Post(std::shared_ptr<WorkItem> item) noexcept { Post(std::move(item), own_lane_); }
  void Post(std::shared_ptr<WorkItem> item, std::shared_ptr<WorkLane> lane) noexcept;
  // Ends the threads, after what waits (`all`) or before it.
  void Stop(bool all);

 private:
  void Loop();
  void Append(std::shared_ptr<WorkLane> lane) noexcept;
  std::shared_ptr<WorkItem> Take() noexcept;

  const std::shared_ptr<WorkLane> own_lane_ = std::make_shared<WorkLane>();
  std::mutex mutex_;
  std::condition_variable something_;
  std::shared_ptr<WorkLane> first_;  // lanes that are not empty, the next one first
  WorkLane* last_ = nullptr;
  bool stops_ = false, stops_at_once_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gatehouse

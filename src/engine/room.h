// Room: may a text begin? Whoever has begun finds every page that he needs, so nobody waits for another in
// the middle; whoever finds no room waits outside. Pages of the caches give way.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "engine/page_pool.h"
#include "engine/prefix_cache.h"
#include "engine/task.h"

namespace gatehouse {

class Room {
 public:
  using Running = std::list<std::shared_ptr<Task>>;
  // most_pages: of all that is kept and all that runs.
  Room(PagePool& pool, PrefixCache& cache, int64_t most_pages)
      : pool_(pool), cache_(cache), most_pages_(most_pages) {}

  // Pages that a text and what is asked behind it fill.
  static int64_t PagesFor(const Task& task);
  // Whether the task, whose sequence holds what is known of its text, may begin beside those that run. Lets
  // pages of the cache go for it.
  bool Fits(const Task& task, const Running& running);
  // Pages that are missing for that after all.
  int64_t Missing(const Task& task, const Running& running) const;
  int64_t most_pages() const { return most_pages_; }

 private:
  static int64_t Outstanding(const Task& task);

  PagePool& pool_;
  PrefixCache& cache_;
  const int64_t most_pages_;
};

}  // namespace gatehouse

// PagePool: which pages of the key/value cache are in use, and by how many sequences. Pages that several
// sequences share are read-only to all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"
#include "gatehouse/result.h"

namespace gatehouse {

class PagePool {
 public:
  explicit PagePool(KvCache& cache) : cache_(cache) {}

  Result<int32_t> Take();  // a page with one user
  void Share(int32_t page) { ++users_[static_cast<size_t>(page)]; }
  void Release(int32_t page);
  bool IsShared(int32_t page) const { return users_[static_cast<size_t>(page)] > 1; }
  int32_t in_use() const { return static_cast<int32_t>(users_.size() - free_.size()); }
  KvCache& cache() { return cache_; }

 private:
  KvCache& cache_;
  std::vector<int32_t> users_;
  std::vector<int32_t> free_;
};

// Sequence: the cached tokens of one text. Forks share full pages; a page that both would write is copied
// first.
class Sequence {
 public:
  explicit Sequence(PagePool& pool) : pool_(&pool) {}
  ~Sequence();
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&& other) noexcept;
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  Sequence Fork() const;
  int32_t length() const { return length_; }
  const std::vector<int32_t>& pages() const { return pages_; }

  // Makes slots length .. length + count - 1 writable.
  Result<void> Prepare(int32_t count);
  // The first `count` prepared slots are now part of the sequence; pages beyond them are given back.
  void Commit(int32_t count);

 private:
  PagePool* pool_;
  std::vector<int32_t> pages_;
  int32_t length_ = 0;
};

}  // namespace gatehouse

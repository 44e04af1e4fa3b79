// PagePool: which pages of the key/value cache are in use, and by how many sequences. Pages that several
// sequences share are read-only to all of them. Safe to use from several threads, except that Take may move
// the cache's memory: no forward pass may run meanwhile.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "backend/backend.h"
#include "gatehouse/result.h"

namespace gatehouse {

// Pages that hold so many tokens.
int32_t PagesFor(int32_t tokens);

class PagePool {
 public:
  explicit PagePool(KvCache& cache) : cache_(cache) {}

  Result<int32_t> Take();  // a page with one user
  void Share(int32_t page);
  void Release(int32_t page);
  bool IsShared(int32_t page) const;
  int32_t in_use() const;
  KvCache& cache() { return cache_; }

 private:
  KvCache& cache_;
  mutable std::mutex mutex_;
  std::vector<int32_t> users_;
  std::vector<int32_t> free_;
};

// Sequence: the cached tokens of one text. Forks share full pages; a page that both would write is copied
// first.
class Sequence {
 public:
  explicit Sequence(PagePool& pool) : pool_(&pool) {}
  // The first `length` tokens of pages that others hold; they are shared from here on.
  Sequence(PagePool& pool, std::vector<int32_t> pages, int32_t length);
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
  // Forgets what lies behind the first `length` tokens.
  void Truncate(int32_t length);
  // The first `count` prepared slots are now part of the sequence; pages beyond them are given back.
  void Commit(int32_t count);

 private:
  PagePool* pool_;
  std::vector<int32_t> pages_;
  int32_t length_ = 0;
};

}  // namespace gatehouse

#include "engine/page_pool.h"

#include <algorithm>
#include <utility>

#include "tensor/page.h"

namespace gatehouse {
int32_t PagesFor(int32_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

Result<int32_t> PagePool::Take() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) {
    const int32_t page = static_cast<int32_t>(users_.size());
    GATEHOUSE_TRY(cache_.Reserve(page + 1));
    // Release must not fail: room for every page that may come back.
    free_.reserve(users_.size() + 1);
    users_.push_back(1);
    return page;
  }
  const int32_t page = free_.back();
  free_.pop_back();
  users_[static_cast<size_t>(page)] = 1;
  return page;
}

void PagePool::Share(int32_t page) {
  std::lock_guard lock(mutex_);
  ++users_[static_cast<size_t>(page)];
}

bool PagePool::IsShared(int32_t page) const {
  std::lock_guard lock(mutex_);
  return users_[static_cast<size_t>(page)] > 1;
}

int32_t PagePool::in_use() const {
  std::lock_guard lock(mutex_);
  return static_cast<int32_t>(users_.size() - free_.size());
}

void PagePool::Release(int32_t page) {
  std::lock_guard lock(mutex_);
  if (--users_[static_cast<size_t>(page)] == 0) free_.push_back(page);
}

Sequence::Sequence(PagePool& pool, std::vector<int32_t> pages, int32_t length)
    : pool_(&pool), pages_(std::move(pages)), length_(length) {
  for (const int32_t page : pages_) pool_->Share(page);
}

Sequence::~Sequence() {
  for (int32_t page : pages_) pool_->Release(page);
}

Sequence::Sequence(Sequence&& other) noexcept
    : pool_(other.pool_), pages_(std::exchange(other.pages_, {})), length_(std::exchange(other.length_, 0)) {}

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
  std::swap(length_, other.length_);
  return *this;
}

void Sequence::Truncate(int32_t length) {
  length_ = std::min(length_, length);
  Commit(0);
}

Sequence Sequence::Fork() const {
  Sequence fork(*pool_);
  fork.pages_.reserve(static_cast<size_t>(PagesFor(length_)));
  for (int32_t i = 0; i < PagesFor(length_); ++i) {
    fork.pages_.push_back(pages_[static_cast<size_t>(i)]);
    pool_->Share(fork.pages_.back());
  }
  fork.length_ = length_;
  return fork;
}

Result<void> Sequence::Prepare(int32_t count) {
  // A half-full last page that a fork also holds: what it has so far is copied before we write behind it.
  if (length_ % kPageTokens != 0) {
    int32_t& last = pages_[static_cast<size_t>(length_ / kPageTokens)];
    if (pool_->IsShared(last)) {
      GATEHOUSE_ASSIGN(const int32_t own, pool_->Take());
      GATEHOUSE_TRY(pool_->cache().CopyPage(last, own));
      pool_->Release(last);
      last = own;
    }
  }
  pages_.reserve(static_cast<size_t>(PagesFor(length_ + count)));
  while (static_cast<int32_t>(pages_.size()) < PagesFor(length_ + count)) {
    GATEHOUSE_ASSIGN(const int32_t page, pool_->Take());
    pages_.push_back(page);
  }
  return {};
}

void Sequence::Commit(int32_t count) {
  length_ += count;
  // Prepared and not used: tokens behind the end of the text, or of a pass that failed.
  while (static_cast<int32_t>(pages_.size()) > PagesFor(length_)) {
    pool_->Release(pages_.back());
    pages_.pop_back();
  }
}

}  // namespace gatehouse

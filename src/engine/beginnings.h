// Beginnings: what every text of a policy begins with, kept as long as the policy: for all tenants, since it
// says nothing of what anybody asked.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/page_pool.h"

namespace gatehouse {

class Beginnings {
 public:
  explicit Beginnings(PagePool& pool) : pool_(pool) {}

  // Leading tokens of the text that one of the policy's beginnings has, at most `limit`.
  int32_t LengthOf(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const;
  // As much of the text's beginning as one of the policy's is, at most `limit` tokens.
  Sequence Find(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const;
  void Insert(uint64_t policy, std::span<const int32_t> ids, const Sequence& sequence);
  void Drop(uint64_t policy) { known_.erase(policy); }
  int64_t pages() const;

 private:
  struct One {
    std::vector<int32_t> ids;
    Sequence sequence;
  };
  struct Match {
    const One* one = nullptr;
    int32_t length = 0;
  };
  Match BestOf(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const;

  PagePool& pool_;
  std::map<uint64_t, std::vector<One>> known_;
};

}  // namespace gatehouse

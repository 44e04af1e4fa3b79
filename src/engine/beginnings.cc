#include "engine/beginnings.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

Sequence Beginnings::Find(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const {
  const auto known = known_.find(policy);
  const One* best = nullptr;
  int32_t length = 0;
  if (known != known_.end()) {
    for (const One& one : known->second) {
      const auto end = std::mismatch(one.ids.begin(), one.ids.end(), ids.begin(), ids.end()).first;
      const int32_t common = std::min(static_cast<int32_t>(end - one.ids.begin()), limit);
      if (common <= length) continue;
      best = &one;
      length = common;
    }
  }
  if (best == nullptr) return Sequence(pool_);
  Sequence found = best->sequence.Fork();
  found.Truncate(length);
  return found;
}

void Beginnings::Insert(uint64_t policy, std::span<const int32_t> ids, const Sequence& sequence) {
  Sequence own = sequence.Fork();
  own.Truncate(static_cast<int32_t>(ids.size()));
  known_[policy].push_back({{ids.begin(), ids.end()}, std::move(own)});
}

int64_t Beginnings::pages() const {
  int64_t pages = 0;
  for (const auto& [policy, list] : known_) {
    for (const One& one : list) pages += static_cast<int64_t>(one.sequence.pages().size());
  }
  return pages;
}

}  // namespace gatehouse

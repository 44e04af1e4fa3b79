#include "engine/beginnings.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

Beginnings::Match Beginnings::BestOf(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const {
  Match best;
  const auto known = known_.find(policy);
  if (known == known_.end()) return best;
  for (const One& one : known->second) {
    const auto end = std::mismatch(one.ids.begin(), one.ids.end(), ids.begin(), ids.end()).first;
    const int32_t common = std::min(static_cast<int32_t>(end - one.ids.begin()), limit);
    if (common > best.length) best = {&one, common};
  }
  return best;
}

int32_t Beginnings::LengthOf(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const {
  return BestOf(policy, ids, limit).length;
}

Sequence Beginnings::Find(uint64_t policy, std::span<const int32_t> ids, int32_t limit) const {
  const Match best = BestOf(policy, ids, limit);
  if (best.one == nullptr) return Sequence(pool_);
  Sequence found = best.one->sequence.Fork();
  found.Truncate(best.length);
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

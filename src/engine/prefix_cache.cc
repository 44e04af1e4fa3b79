#include "engine/prefix_cache.h"

#include <algorithm>

#include "tensor/page.h"

namespace gatehouse {
namespace {

// Ids and images' marks are numbers of two kinds.
constexpr uint64_t kImageBit = uint64_t{1} << 63;

template <typename Container>
int32_t CommonLength(const Container& a, const Container& b) {
  return static_cast<int32_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

PrefixCache::PrefixCache(PagePool& pool, int64_t bytes)
    : pool_(pool), budget_pages_(bytes / std::max<int64_t>(pool.cache().BytesPerPage(), 1)) {}

PrefixCache::~PrefixCache() {
  for (const auto& [used, node] : by_use_) pool_.Release(node->page);
}

PrefixCache::Units PrefixCache::UnitsOf(const TokenInput& input, int32_t begin, int32_t end) {
  Units units;
  for (int32_t i = begin; i < end; ++i) {
    const size_t at = static_cast<size_t>(i);
    const uint64_t mark = input.image_marks.empty() ? 0 : input.image_marks[at];
    units.push_back(mark != 0 ? mark | kImageBit : static_cast<uint64_t>(input.ids[at]));
  }
  return units;
}

void PrefixCache::Touch(Node* node) {
  by_use_.erase({node->used, node});
  node->used = ++clock_;
  by_use_.insert({node->used, node});
}

Sequence PrefixCache::Find(const TokenInput& input, int32_t limit) {
  std::lock_guard lock(mutex_);
  limit = std::min(limit, static_cast<int32_t>(input.ids.size()));
  std::vector<int32_t> pages;
  int32_t length = 0;
  std::vector<Node*> path;
  for (Node* node = &root_; length < limit;) {
    const Units wanted = UnitsOf(input, length, std::min(length + kPageTokens, limit));
    // In lexicographic order the neighbours have the longest common beginnings.
    const auto after = node->children.lower_bound(wanted);
    Node* best = nullptr;
    int32_t common = 0;
    for (auto candidate :
         {after, after == node->children.begin() ? node->children.end() : std::prev(after)}) {
      if (candidate == node->children.end()) continue;
      const int32_t shared = CommonLength(candidate->first, wanted);
      if (shared > common) {
        common = shared;
        best = candidate->second.get();
      }
    }
    if (best == nullptr) break;
    pages.push_back(best->page);
    path.push_back(best);
    length += common;
    if (common < kPageTokens) break;
    node = best;
  }
  // From the leaf up: a child is always older than its parent, and goes first.
  for (auto node = path.rbegin(); node != path.rend(); ++node) Touch(*node);
  ++stats_.lookups;
  stats_.tokens_found += length;
  return Sequence(pool_, std::move(pages), length);
}

void PrefixCache::Insert(const TokenInput& input, int32_t tokens, const Sequence& sequence, int32_t pinned) {
  std::lock_guard lock(mutex_);
  tokens = std::min(tokens, sequence.length());
  std::vector<Node*> path;
  Node* node = &root_;
  for (int32_t begin = 0; begin < tokens; begin += kPageTokens) {
    Units units = UnitsOf(input, begin, std::min(begin + kPageTokens, tokens));
    const bool whole = static_cast<int32_t>(units.size()) == kPageTokens;
    const auto [entry, is_new] = node->children.try_emplace(std::move(units));
    if (is_new) {
      entry->second = std::make_unique<Node>();
      entry->second->page = sequence.pages()[static_cast<size_t>(begin / kPageTokens)];
      entry->second->units = &entry->first;
      entry->second->parent = node;
      pool_.Share(entry->second->page);
      ++stats_.pages;
    }
    node = entry->second.get();
    node->pinned = node->pinned || begin < pinned;
    path.push_back(node);
    if (!whole) break;
  }
  for (auto one = path.rbegin(); one != path.rend(); ++one) Touch(*one);
  Evict();
}

void PrefixCache::Evict() {
  while (stats_.pages > budget_pages_) {
    const auto victim = std::find_if(by_use_.begin(), by_use_.end(), [&](const auto& entry) {
      const Node& node = *entry.second;
      return node.children.empty() && !node.pinned && !pool_.IsShared(node.page);
    });
    if (victim == by_use_.end()) return;  // all that is left is in use
    Node* node = victim->second;
    by_use_.erase(victim);
    pool_.Release(node->page);
    --stats_.pages;
    ++stats_.evicted;
    node->parent->children.erase(node->parent->children.find(*node->units));
  }
}

PrefixCacheStats PrefixCache::stats() const {
  std::lock_guard lock(mutex_);
  PrefixCacheStats out = stats_;
  out.bytes = out.pages * pool_.cache().BytesPerPage();
  return out;
}

}  // namespace gatehouse

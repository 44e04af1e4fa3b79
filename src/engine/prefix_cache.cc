#include "engine/prefix_cache.h"

#include <algorithm>
#include <vector>

#include "tensor/page.h"

namespace gatehouse {

struct PrefixCache::Holder {
  Uses by_use;  // every node of the tenant, the least recently used first
  int roots = 0;
};

struct PrefixCache::Node {
  int32_t page = -1;
  const TokenUnits* units = nullptr;  // its key in the parent's children
  Node* parent = nullptr;             // null: a root
  Holder* holder = nullptr;
  Children children;  // only behind a whole page
  uint64_t used = 0;
  const CacheScope* scope = nullptr;  // of a root: its key
};

PrefixCache::PrefixCache(PagePool& pool, int64_t most_pages) : pool_(pool), most_pages_(most_pages) {}

PrefixCache::~PrefixCache() {
  for (const auto& [tenant, holder] : holders_) {
    for (const auto& [used, node] : holder.by_use) pool_.Release(node->page);
  }
}

// Of a node that is in use already: no memory is taken.
void PrefixCache::Touch(Node* node) {
  auto entry = node->holder->by_use.extract({node->used, node});
  node->used = ++clock_;
  entry.value() = {node->used, node};
  node->holder->by_use.insert(std::move(entry));
}

PrefixCache::Node* PrefixCache::RootOf(const CacheScope& scope) {
  const auto known = roots_.find(scope);
  if (known != roots_.end()) return known->second.get();
  auto made = std::make_unique<Node>();
  made->holder = &holders_[scope.tenant];
  const auto root = roots_.emplace(scope, std::move(made)).first;
  root->second->scope = &root->first;
  ++root->second->holder->roots;
  return root->second.get();
}

Sequence PrefixCache::Find(const CacheScope& scope, const TokenInput& input, int32_t limit) {
  std::lock_guard lock(mutex_);
  limit = std::min(limit, static_cast<int32_t>(input.ids.size()));
  std::vector<int32_t> pages;
  int32_t length = 0;
  std::vector<Node*> path;
  const auto root = roots_.find(scope);
  for (Node* node = root == roots_.end() ? nullptr : root->second.get(); node != nullptr && length < limit;) {
    const TokenUnits wanted = UnitsOf(input, length, std::min(length + kPageTokens, limit));
    // In lexicographic order the neighbours have the longest common beginnings.
    const auto after = node->children.lower_bound(wanted);
    Node* best = nullptr;
    int32_t common = 0;
    for (auto candidate :
         {after, after == node->children.begin() ? node->children.end() : std::prev(after)}) {
      if (candidate == node->children.end()) continue;
      const int32_t shared = CommonTokens(candidate->first, wanted);
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

void PrefixCache::Insert(const CacheScope& scope, const TokenInput& input, int32_t tokens,
                         const Sequence& sequence) {
  std::lock_guard lock(mutex_);
  tokens = std::min(tokens, sequence.length());
  std::vector<Node*> path;
  path.reserve(static_cast<size_t>(tokens / kPageTokens + 1));
  Node* node = RootOf(scope);
  for (int32_t begin = 0; begin < tokens; begin += kPageTokens) {
    TokenUnits units = UnitsOf(input, begin, std::min(begin + kPageTokens, tokens));
    if (units.empty()) break;
    const bool whole = static_cast<int32_t>(units.size()) == kPageTokens;
    const auto known = node->children.find(units);
    if (known == node->children.end()) {
      // Memory first, then what must not fail half-way.
      auto made = std::make_unique<Node>();
      made->page = sequence.pages()[static_cast<size_t>(begin / kPageTokens)];
      made->parent = node;
      made->holder = node->holder;
      made->used = ++clock_;
      Node* raw = made.get();
      node->holder->by_use.insert({raw->used, raw});
      try {
        const auto entry = node->children.emplace(std::move(units), std::move(made)).first;
        raw->units = &entry->first;
      } catch (...) {
        node->holder->by_use.erase({raw->used, raw});
        throw;
      }
      pool_.Share(raw->page);
      ++stats_.pages;
      node = raw;
    } else {
      node = known->second.get();
    }
    path.push_back(node);
    if (!whole) break;
  }
  for (auto one = path.rbegin(); one != path.rend(); ++one) Touch(*one);
  while (stats_.pages > most_pages_ && EvictOne()) {
  }
}

void PrefixCache::Remove(Node* leaf) {
  leaf->holder->by_use.erase({leaf->used, leaf});
  pool_.Release(leaf->page);
  --stats_.pages;
  leaf->parent->children.erase(leaf->parent->children.find(*leaf->units));
}

bool PrefixCache::EvictOne() {
  // The tenant that holds most of those that can give anything.
  Node* victim = nullptr;
  size_t most = 0;
  for (auto& [tenant, holder] : holders_) {
    if (holder.by_use.size() <= most) continue;
    const auto found = std::find_if(holder.by_use.begin(), holder.by_use.end(), [&](const auto& entry) {
      return entry.second->children.empty() && !pool_.IsShared(entry.second->page);
    });
    if (found == holder.by_use.end()) continue;  // all that is left is in use
    victim = found->second;
    most = holder.by_use.size();
  }
  if (victim == nullptr) return false;
  Node* root = victim;
  while (root->parent != nullptr) root = root->parent;
  Remove(victim);
  ++stats_.evicted;
  if (root->children.empty()) RemoveRoot(roots_.find(*root->scope));
  return true;
}

void PrefixCache::RemoveRoot(std::map<CacheScope, std::unique_ptr<Node>>::iterator root) {
  const std::string tenant = root->first.tenant;
  roots_.erase(root);
  const auto holder = holders_.find(tenant);
  if (--holder->second.roots == 0) holders_.erase(holder);
}

int64_t PrefixCache::Evict(int64_t pages) {
  std::lock_guard lock(mutex_);
  int64_t given = 0;
  while (given < pages && EvictOne()) ++given;
  return given;
}

void PrefixCache::RemoveBelow(Node* node) {
  while (!node->children.empty()) {
    Node* child = node->children.begin()->second.get();
    RemoveBelow(child);
    Remove(child);
  }
}

void PrefixCache::Drop(uint64_t policy) {
  std::lock_guard lock(mutex_);
  for (auto root = roots_.lower_bound({policy, {}}); root != roots_.end() && root->first.policy == policy;) {
    RemoveBelow(root->second.get());
    RemoveRoot(root++);
  }
}

PrefixCacheStats PrefixCache::stats() const {
  std::lock_guard lock(mutex_);
  PrefixCacheStats out = stats_;
  out.bytes = out.pages * pool_.cache().BytesPerPage();
  return out;
}

int64_t PrefixCache::PagesOf(const std::string& tenant) const {
  std::lock_guard lock(mutex_);
  const auto holder = holders_.find(tenant);
  return holder == holders_.end() ? 0 : static_cast<int64_t>(holder->second.by_use.size());
}

}  // namespace gatehouse

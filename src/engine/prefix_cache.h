// PrefixCache: beginnings of texts whose keys and values are kept: earlier turns, images. A tree over pages
// for each tenant and policy, so that its texts share what they have in common, and nobody sees what another
// asked. Where room is short, the tenant that holds most gives its least recently used leaves, so that nobody
// is pushed below an equal share.
//
// A text that leaves a tree in the middle of a page still uses that page's beginning: the fork copies the
// page before it writes behind it. Safe to use from several threads. Whatever a call throws (std::bad_alloc),
// the cache stays whole.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "engine/page_pool.h"
#include "engine/token_input.h"
#include "engine/token_units.h"

namespace gatehouse {

struct PrefixCacheStats {
  int64_t lookups = 0;
  int64_t tokens_found = 0;
  int64_t pages = 0;  // held now
  int64_t bytes = 0;
  int64_t evicted = 0;  // pages, ever
};

class PrefixCache {
 public:
  // most_pages: that the trees hold by themselves.
  PrefixCache(PagePool& pool, int64_t most_pages);
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // A sequence that holds as much of the text's beginning as is known, at most `limit` tokens.
  Sequence Find(const CacheScope& scope, const TokenInput& input, int32_t limit);
  // Keeps the first `tokens` tokens, which the sequence holds.
  void Insert(const CacheScope& scope, const TokenInput& input, int32_t tokens, const Sequence& sequence);
  // Gives back at least `pages` pages of the pool, or all that nobody else uses. Returns how many.
  int64_t Evict(int64_t pages);
  // Forgets a policy's texts.
  void Drop(uint64_t policy);

  PrefixCacheStats stats() const;
  int64_t PagesOf(const std::string& tenant) const;

 private:
  struct Node;
  struct Holder;  // of one tenant
  using Children = std::map<TokenUnits, std::unique_ptr<Node>>;
  using Uses = std::set<std::pair<uint64_t, Node*>>;

  Node* RootOf(const CacheScope& scope);
  void Touch(Node* node);
  void Remove(Node* leaf);
  void RemoveBelow(Node* node);
  void RemoveRoot(std::map<CacheScope, std::unique_ptr<Node>>::iterator root);
  bool EvictOne();

  PagePool& pool_;
  const int64_t most_pages_;
  mutable std::mutex mutex_;
  std::map<CacheScope, std::unique_ptr<Node>> roots_;
  std::map<std::string, Holder> holders_;
  uint64_t clock_ = 0;
  PrefixCacheStats stats_;
};

}  // namespace gatehouse

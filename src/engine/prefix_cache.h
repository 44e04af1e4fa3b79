// PrefixCache: beginnings of texts whose keys and values are kept: the policy, earlier turns, images. A tree
// over pages, so that texts share what they have in common; the least recently used leaves give way when the
// budget is spent, never what a request uses or what is pinned.
//
// A text that leaves the tree in the middle of a page still uses that page's beginning: the fork copies the
// page before it writes behind it. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/page_pool.h"
#include "engine/token_input.h"

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
  // bytes: of the pages that the tree holds by itself.
  PrefixCache(PagePool& pool, int64_t bytes);
  ~PrefixCache();

  // A sequence that holds as much of the text's beginning as is known, at most `limit` tokens.
  Sequence Find(const TokenInput& input, int32_t limit);
  // Keeps the first `tokens` tokens, which the sequence holds; of them the first `pinned` for good.
  void Insert(const TokenInput& input, int32_t tokens, const Sequence& sequence, int32_t pinned);

  PrefixCacheStats stats() const;

 private:
  using Units = std::vector<uint64_t>;  // what tells tokens apart: an id, or an image's mark
  struct Node;
  using Children = std::map<Units, std::unique_ptr<Node>>;
  struct Node {
    int32_t page = -1;
    const Units* units = nullptr;  // its key in the parent's children
    Node* parent = nullptr;
    Children children;  // only behind a whole page
    uint64_t used = 0;
    bool pinned = false;
  };

  static Units UnitsOf(const TokenInput& input, int32_t begin, int32_t end);
  void Touch(Node* node);
  void Evict();

  PagePool& pool_;
  const int64_t budget_pages_;
  mutable std::mutex mutex_;
  Node root_;
  std::set<std::pair<uint64_t, Node*>> by_use_;
  uint64_t clock_ = 0;
  PrefixCacheStats stats_;
};

}  // namespace gatehouse

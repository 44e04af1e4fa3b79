#include "text/byte_pairs.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace gatehouse {
namespace {

// Up to here a scan over all pairs is faster than a heap.
constexpr size_t kScanLimit = 48;

void MergeByScan(const MergeTable& table, std::vector<int32_t>& symbols) {
  Merge merges[kScanLimit];  // merges[i]: of symbols i and i + 1
  size_t size = symbols.size();
  for (size_t i = 0; i + 1 < size; ++i) merges[i] = table.Find(symbols[i], symbols[i + 1]);
  for (;;) {
    size_t best = size;
    for (size_t i = 0; i + 1 < size; ++i) {
      if (merges[i].rank >= 0 && (best == size || merges[i].rank < merges[best].rank)) best = i;
    }
    if (best == size) break;
    symbols[best] = merges[best].result;
    for (size_t i = best + 1; i + 1 < size; ++i) {
      symbols[i] = symbols[i + 1];
      merges[i] = merges[std::min(i + 1, size - 1)];
    }
    --size;
    if (best > 0) merges[best - 1] = table.Find(symbols[best - 1], symbols[best]);
    if (best + 1 < size) merges[best] = table.Find(symbols[best], symbols[best + 1]);
  }
  symbols.resize(size);
}

struct Candidate {
  int32_t rank;
  int32_t left;   // index of the left symbol: ties go to the leftmost
  int32_t first;  // the symbols when this was found: stale if they have changed since
  int32_t second;
  int32_t result;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

void MergeByHeap(const MergeTable& table, std::vector<int32_t>& symbols) {
  const int32_t size = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> next(symbols.size()), previous(symbols.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto push = [&](int32_t left) {
    const int32_t right = next[static_cast<size_t>(left)];
    if (right >= size) return;
    const int32_t first = symbols[static_cast<size_t>(left)], second = symbols[static_cast<size_t>(right)];
    const Merge merge = table.Find(first, second);
    if (merge.rank >= 0) queue.push({merge.rank, left, first, second, merge.result});
  };
  for (int32_t i = 0; i < size; ++i) {
    next[static_cast<size_t>(i)] = i + 1;
    previous[static_cast<size_t>(i)] = i - 1;
  }
  for (int32_t i = 0; i + 1 < size; ++i) push(i);
  while (!queue.empty()) {
    const Candidate top = queue.top();
    queue.pop();
    const size_t left = static_cast<size_t>(top.left);
    const int32_t right = next[left];
    if (symbols[left] != top.first || right >= size || symbols[static_cast<size_t>(right)] != top.second)
      continue;
    symbols[left] = top.result;
    symbols[static_cast<size_t>(right)] = -1;  // gone
    next[left] = next[static_cast<size_t>(right)];
    if (next[left] < size) previous[static_cast<size_t>(next[left])] = top.left;
    if (previous[left] >= 0) push(previous[left]);
    push(top.left);
  }
  symbols.erase(std::remove(symbols.begin(), symbols.end(), -1), symbols.end());
}

}  // namespace

void MergePairs(const MergeTable& merges, std::vector<int32_t>& symbols, std::vector<int32_t>* ids) {
  if (symbols.size() <= kScanLimit) {
    MergeByScan(merges, symbols);
  } else {
    MergeByHeap(merges, symbols);
  }
  ids->insert(ids->end(), symbols.begin(), symbols.end());
}

}  // namespace gatehouse

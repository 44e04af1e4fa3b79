// MergeTable: which pairs of tokens merge, into what, and in which order. A flat hash table: one probe on
// average.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatehouse {

struct Merge {
  int32_t rank = -1;  // lower goes first; -1: the pair does not merge
  int32_t result = -1;
};

class MergeTable {
 public:
  // Room for `count` merges.
  explicit MergeTable(size_t count = 0) {
    size_t size = 16;
    while (size < 2 * count) size *= 2;
    slots_.resize(size);
    mask_ = size - 1;
  }

  // The first of several merges of one pair counts.
  void Insert(int32_t left, int32_t right, Merge merge) {
    const uint64_t key = Key(left, right);
    for (size_t at = Hash(key) & mask_;; at = (at + 1) & mask_) {
      if (slots_[at].merge.rank < 0) {
        slots_[at] = {key, merge};
        return;
      }
      if (slots_[at].key == key) return;
    }
  }

  Merge Find(int32_t left, int32_t right) const {
    const uint64_t key = Key(left, right);
    for (size_t at = Hash(key) & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.merge.rank < 0 || slot.key == key) return slot.merge;
    }
  }

 private:
  struct Slot {
    uint64_t key = 0;
    Merge merge;
  };
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  static size_t Hash(uint64_t key) {
    key *= 0x9E3779B97F4A7C15ull;
    return static_cast<size_t>(key ^ key >> 29);
  }

  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

}  // namespace gatehouse

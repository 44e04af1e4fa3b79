// PairTable: the rank of a merge by its two ids. One 64-bit word a slot, open addressing: a lookup is one
// cache line. Hence the limits: ids of 20 bits, ranks of 24.
#pragma once

#include <cstdint>
#include <vector>

namespace gatehouse {

class PairTable {
 public:
  static constexpr int32_t kMaxId = (1 << 20) - 2;
  static constexpr uint32_t kMaxRank = (1u << 24) - 2;
  static constexpr uint32_t kNoRank = ~0u;

  explicit PairTable(size_t pairs) {
    size_t size = 16;
    while (size < 2 * pairs) size *= 2;
    slots_.resize(size, kEmpty);
    mask_ = size - 1;
  }
  // False: the pair is there already.
  bool Add(int32_t left, int32_t right, uint32_t rank) {
    const uint64_t key = Key(left, right);
    size_t at = Home(key);
    while (slots_[at] != kEmpty) {
      if (slots_[at] >> kRankBits == key) return false;
      at = (at + 1) & mask_;
    }
    slots_[at] = key << kRankBits | rank;
    return true;
  }
  uint32_t Rank(int32_t left, int32_t right) const {
    const uint64_t key = Key(left, right);
    for (size_t at = Home(key); slots_[at] != kEmpty; at = (at + 1) & mask_) {
      if (slots_[at] >> kRankBits == key) return static_cast<uint32_t>(slots_[at]) & kRankMask;
    }
    return kNoRank;
  }

 private:
  static constexpr int kRankBits = 24;
  static constexpr uint32_t kRankMask = (1u << kRankBits) - 1;
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static uint64_t Key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(left) << 20 | static_cast<uint64_t>(right);
  }
  size_t Home(uint64_t key) const { return (key * 0x9E3779B97F4A7C15u >> 32) & mask_; }

  std::vector<uint64_t> slots_;
  size_t mask_ = 0;
};

}  // namespace gatehouse

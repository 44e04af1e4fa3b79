// Merger: byte-pair merging of one piece. The pair of lowest rank goes first, the leftmost of equals.
//
// Short pieces are searched through for every merge; long ones keep their pairs in one bucket a rank. A rank
// gives one token, and every pair that a merge makes is longer than what it merged, so a bucket that has
// begun never grows until it is empty: it is sorted once, and the whole is near-linear however often a pair
// repeats.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/pair_table.h"

namespace gatehouse {

struct MergeRules {
  int32_t byte_ids[256];  // -1: the vocabulary lacks it
  bool bytes_missing = false;
  PairTable pairs{0};
  std::vector<uint32_t> byte_pairs;  // [256][256]: the ranks that every piece begins with, without hashing
  const std::vector<int32_t>* merged = nullptr;  // id by rank; null: the rank is the id
  uint32_t BytePairRank(char left, char right) const {
    return byte_pairs[static_cast<size_t>(static_cast<unsigned char>(left)) << 8 |
                      static_cast<unsigned char>(right)];
  }
  int32_t Result(uint32_t rank) const { return merged ? (*merged)[rank] : static_cast<int32_t>(rank); }
};

// Scratch for one thread; made for one Encode call and used for all its pieces.
class Merger {
 public:
  explicit Merger(const MergeRules& rules) : rules_(rules) {}
  // piece is not empty. Appends.
  void Merge(std::string_view piece, std::vector<int32_t>* ids);

 private:
  void MergeShort(std::string_view piece, std::vector<int32_t>* ids);
  void MergeLong(std::string_view piece, std::vector<int32_t>* ids);

  struct Part {
    int32_t id;
    uint32_t rank;      // of the pair of this part and the next
    uint32_t previous;  // index of the part before
    uint32_t next;
  };
  struct Bucket {
    std::vector<uint32_t> parts;
    size_t done = 0;
  };
  void Push(uint32_t part, uint32_t rank);
  void MergeAt(uint32_t part);

  const MergeRules& rules_;
  std::vector<Part> parts_;
  std::unordered_map<uint32_t, Bucket> buckets_;
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ranks_;  // of buckets that hold parts
  uint32_t last_rank_ = PairTable::kNoRank;
  Bucket* last_bucket_ = nullptr;
};

}  // namespace gatehouse

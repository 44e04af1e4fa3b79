#include "text/merger.h"

#include <algorithm>
#include <array>
#include <string>

namespace gatehouse {
namespace {

constexpr size_t kShort = 64;  // bytes; above it searching anew for each merge costs more than buckets do
constexpr uint32_t kNone = ~0u;

}  // namespace

void Merger::Merge(std::string_view piece, std::vector<int32_t>* ids) {
  std::string known;
  if (rules_.bytes_missing) {
    // Some small vocabularies lack control characters. Like the reference, leave such bytes out before
    // merging.
    for (const char byte : piece) {
      if (rules_.byte_ids[static_cast<unsigned char>(byte)] >= 0) known.push_back(byte);
    }
    if (known.empty()) return;
    piece = known;
  }
  if (piece.size() <= kShort) {
    MergeShort(piece, ids);
  } else {
    MergeLong(piece, ids);
  }
}

void Merger::MergeShort(std::string_view piece, std::vector<int32_t>* ids) {
  std::array<int32_t, kShort> parts;
  std::array<uint32_t, kShort> ranks;  // ranks[n]: of parts n and n + 1
  size_t count = piece.size();
  for (size_t index = 0; index < count; ++index) {
    parts[index] = rules_.byte_ids[static_cast<unsigned char>(piece[index])];
  }
  for (size_t index = 0; index + 1 < count; ++index)
    ranks[index] = rules_.BytePairRank(piece[index], piece[index + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t index = 1; index + 1 < count; ++index) {
      if (ranks[index] < ranks[best]) best = index;
    }
    if (ranks[best] == PairTable::kNoRank) break;
    parts[best] = rules_.Result(ranks[best]);
    std::copy(parts.begin() + best + 2, parts.begin() + count, parts.begin() + best + 1);
    if (best + 2 < count)
      std::copy(ranks.begin() + best + 1, ranks.begin() + count - 1, ranks.begin() + best);
    --count;
    if (best > 0) ranks[best - 1] = rules_.pairs.Rank(parts[best - 1], parts[best]);
    if (best + 1 < count) ranks[best] = rules_.pairs.Rank(parts[best], parts[best + 1]);
  }
  ids->insert(ids->end(), parts.begin(), parts.begin() + count);
}

void Merger::Push(uint32_t part, uint32_t rank) {
  if (rank == PairTable::kNoRank) return;
  if (rank != last_rank_) {
    last_bucket_ = &buckets_[rank];  // stays where it is when others are added
    last_rank_ = rank;
  }
  if (last_bucket_->parts.empty()) ranks_.push(rank);
  last_bucket_->parts.push_back(part);
}

void Merger::MergeAt(uint32_t part) {
  Part& left = parts_[part];
  Part& right = parts_[left.next];
  left.id = rules_.Result(left.rank);
  right.rank = PairTable::kNoRank;  // whatever buckets still say of it is void
  left.next = right.next;
  left.rank = PairTable::kNoRank;
  if (left.next != kNone) {
    parts_[left.next].previous = part;
    left.rank = rules_.pairs.Rank(left.id, parts_[left.next].id);
    Push(part, left.rank);
  }
  if (left.previous != kNone) {
    Part& before = parts_[left.previous];
    before.rank = rules_.pairs.Rank(before.id, left.id);
    Push(left.previous, before.rank);
  }
}

void Merger::MergeLong(std::string_view piece, std::vector<int32_t>* ids) {
  parts_.resize(piece.size());
  buckets_.clear();
  last_rank_ = PairTable::kNoRank;
  const auto count = static_cast<uint32_t>(piece.size());
  for (uint32_t index = 0; index < count; ++index) {
    parts_[index] = {rules_.byte_ids[static_cast<unsigned char>(piece[index])], PairTable::kNoRank,
                     index == 0 ? kNone : index - 1, index + 1 < count ? index + 1 : kNone};
  }
  for (uint32_t index = 0; index + 1 < count; ++index) {
    parts_[index].rank = rules_.BytePairRank(piece[index], piece[index + 1]);
    Push(index, parts_[index].rank);
  }
  while (!ranks_.empty()) {
    const uint32_t rank = ranks_.top();
    Bucket& bucket = buckets_[rank];
    if (bucket.done == 0 && !std::is_sorted(bucket.parts.begin(), bucket.parts.end())) {
      std::sort(bucket.parts.begin(), bucket.parts.end());
    }
    // A merge may make a pair of lower rank, which then goes first; this bucket waits.
    while (bucket.done < bucket.parts.size() && ranks_.top() == rank) {
      const uint32_t part = bucket.parts[bucket.done++];
      if (parts_[part].rank == rank) MergeAt(part);
    }
    // A bucket finished by the very merge that made a lower rank is put away when it comes up again.
    if (bucket.done == bucket.parts.size() && ranks_.top() == rank) {
      ranks_.pop();
      bucket.parts.clear();
      bucket.done = 0;
    }
  }
  for (uint32_t index = 0; index != kNone; index = parts_[index].next) ids->push_back(parts_[index].id);
}

}  // namespace gatehouse

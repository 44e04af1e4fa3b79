#include "engine/feature_cache.h"

#include <algorithm>
#include <utility>

namespace gatehouse {

int64_t FeatureCache::BytesOf(const ImageFeatures& features) {
  return features.rows.rows * features.rows.cols * static_cast<int64_t>(sizeof(float));
}

std::shared_ptr<const ImageFeatures> FeatureCache::Find(const std::string& tenant,
                                                        const PictureDigest& digest) {
  const auto holder = holders_.find(tenant);
  if (holder == holders_.end()) return nullptr;
  const auto found = holder->second.known.find(digest);
  if (found == holder->second.known.end()) return nullptr;
  std::list<Entry>& entries = holder->second.entries;
  entries.splice(entries.begin(), entries, found->second);
  return found->second->features;
}

void FeatureCache::Insert(const std::string& tenant, const PictureDigest& digest,
                          std::shared_ptr<const ImageFeatures> features) {
  Holder& holder = holders_[tenant];
  if (holder.known.count(digest) > 0) return;
  const int64_t bytes = BytesOf(*features);
  std::list<Entry> entry;  // memory first: nothing is half in when there is none
  entry.push_back({digest, std::move(features)});
  holder.known.emplace(digest, entry.begin());
  holder.entries.splice(holder.entries.begin(), entry);
  holder.bytes += bytes;
  bytes_ += bytes;
  while (bytes_ > budget_) EvictOne();
}

void FeatureCache::EvictOne() {
  const auto most = std::max_element(holders_.begin(), holders_.end(), [](const auto& a, const auto& b) {
    return a.second.bytes < b.second.bytes;
  });
  Holder& holder = most->second;
  const Entry& last = holder.entries.back();
  const int64_t bytes = BytesOf(*last.features);
  holder.known.erase(last.digest);
  holder.entries.pop_back();
  holder.bytes -= bytes;
  bytes_ -= bytes;
  if (holder.entries.empty()) holders_.erase(most);
}

}  // namespace gatehouse

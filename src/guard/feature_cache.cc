#include "guard/feature_cache.h"

#include <utility>

namespace gatehouse {

int64_t FeatureCache::BytesOf(const ImageFeatures& features) {
  return features.rows.rows * features.rows.cols * static_cast<int64_t>(sizeof(float));
}

std::shared_ptr<const ImageFeatures> FeatureCache::Find(const std::string& digest) {
  std::lock_guard lock(mutex_);
  const auto found = known_.find(digest);
  if (found == known_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->features;
}

void FeatureCache::Insert(const std::string& digest, std::shared_ptr<const ImageFeatures> features) {
  std::lock_guard lock(mutex_);
  if (known_.count(digest) > 0) return;
  bytes_ += BytesOf(*features);
  entries_.push_front({digest, std::move(features)});
  known_[digest] = entries_.begin();
  while (bytes_ > budget_ && !entries_.empty()) {
    bytes_ -= BytesOf(*entries_.back().features);
    known_.erase(entries_.back().digest);
    entries_.pop_back();
  }
}

}  // namespace gatehouse

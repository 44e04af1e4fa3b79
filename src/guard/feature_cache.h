// FeatureCache: the vision encoder's vectors of images seen before, by a digest of their pixels. Least
// recently used images give way. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "engine/engine.h"

namespace gatehouse {

class FeatureCache {
 public:
  explicit FeatureCache(int64_t bytes) : budget_(bytes) {}

  std::shared_ptr<const ImageFeatures> Find(const std::string& digest);  // null: not known
  void Insert(const std::string& digest, std::shared_ptr<const ImageFeatures> features);

 private:
  struct Entry {
    std::string digest;
    std::shared_ptr<const ImageFeatures> features;
  };
  static int64_t BytesOf(const ImageFeatures& features);

  const int64_t budget_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest used first
  std::map<std::string, std::list<Entry>::iterator> known_;
  int64_t bytes_ = 0;
};

}  // namespace gatehouse

// FeatureCache: the vision encoder's vectors of images seen before, by the digest of their pixels, for each
// tenant by itself. Where room is short, the tenant that holds most gives its least recently used images.
// Used by one thread at a time.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "engine/token_input.h"

namespace gatehouse {

// The vectors of some images' tiles, on the device: [tiles * tokens_per_tile, hidden].
struct ImageFeatures {
  std::unique_ptr<DeviceBuffer> buffer;
  Mat rows;
};

class FeatureCache {
 public:
  explicit FeatureCache(int64_t bytes) : budget_(bytes) {}

  // Null: not known.
  std::shared_ptr<const ImageFeatures> Find(const std::string& tenant, const PictureDigest& digest);
  void Insert(const std::string& tenant, const PictureDigest& digest,
              std::shared_ptr<const ImageFeatures> features);
  int64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    PictureDigest digest;
    std::shared_ptr<const ImageFeatures> features;
  };
  struct Holder {
    std::list<Entry> entries;  // the latest used first
    std::map<PictureDigest, std::list<Entry>::iterator> known;
    int64_t bytes = 0;
  };
  static int64_t BytesOf(const ImageFeatures& features);
  void EvictOne();

  const int64_t budget_;
  std::map<std::string, Holder> holders_;
  int64_t bytes_ = 0;
};

}  // namespace gatehouse

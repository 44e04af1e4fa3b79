// TokenInput: a whole text as the network reads it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "backend/backend.h"
#include "tensor/next_token.h"

namespace gatehouse {

using PictureDigest = std::array<std::byte, 32>;  // SHA-256 of what the encoder sees

struct TokenInput {
  std::vector<int32_t> ids;
  std::vector<int32_t>
      embedding_rows;  // per id: row of `embeddings` in place of the token's own, or -1; may be empty
  Mat embeddings = {};
  // Whose rows they are, in order: a picture's begin at first_row. The caches tell pictures apart by the
  // whole digest and rows by their number; what stands at no picture's rows is not kept.
  struct Picture {
    PictureDigest digest;
    int32_t first_row = 0;
  };
  std::vector<Picture> pictures = {};
};

// Whose caches a request uses: nothing that one tenant asked is seen in the time or the cached tokens of
// another's request.
struct CacheScope {
  uint64_t policy = 0;  // texts of different policies share nothing
  std::string tenant;   // opaque
  bool operator==(const CacheScope&) const = default;
  bool operator<(const CacheScope& other) const {
    return std::tie(policy, tenant) < std::tie(other.policy, other.tenant);
  }
};

}  // namespace gatehouse

#include "formats/token_map.h"

#include <algorithm>
#include <cstring>

namespace gatehouse {
namespace {

// Eight bytes a step; the last step reads what is left. Not for hostile keys: all keys stored come from the
// model, and a hostile text can only search, at the price of one chain that the model's tokens bound.
uint32_t HashBytes(std::string_view bytes) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
  uint64_t hash = bytes.size() * kMultiplier;
  const char* data = bytes.data();
  size_t left = bytes.size();
  while (left >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, data, sizeof word);
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 29;
    data += sizeof word;
    left -= sizeof word;
  }
  uint64_t word = 0;
  if (left > 0) std::memcpy(&word, data, left);
  hash = (hash ^ word) * kMultiplier;
  hash ^= hash >> 32;
  return static_cast<uint32_t>(hash * (kMultiplier | 1) >> 32);
}

}  // namespace

TokenMap::TokenMap(const std::vector<std::string>& tokens) : tokens_(tokens) {
  size_t size = 16;
  while (size < 2 * tokens.size()) size *= 2;
  slots_.resize(size);
  mask_ = size - 1;
  for (size_t id = 0; id < tokens.size(); ++id) {
    const std::string& token = tokens[id];
    if (token.empty()) continue;
    longest_ = std::max(longest_, token.size());
    const uint32_t hash = HashBytes(token);
    size_t at = hash & mask_;
    bool known = false;
    while (slots_[at].id >= 0 && !known) {
      known = slots_[at].hash == hash && tokens[slots_[at].id] == token;
      if (!known) at = (at + 1) & mask_;
    }
    if (known) {
      if (doubled_ < 0) doubled_ = static_cast<int32_t>(id);
    } else {
      slots_[at] = {hash, static_cast<int32_t>(id)};
    }
  }
}

int32_t TokenMap::Find(std::string_view bytes) const {
  if (bytes.size() > longest_) return -1;
  const uint32_t hash = HashBytes(bytes);
  for (size_t at = hash & mask_; slots_[at].id >= 0; at = (at + 1) & mask_) {
    if (slots_[at].hash == hash && tokens_[slots_[at].id] == bytes) return slots_[at].id;
  }
  return -1;
}

}  // namespace gatehouse

#include "formats/token_map.h"

#include <algorithm>
#include <cstring>

namespace gatehouse {
namespace {

uint64_t Load64(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

uint64_t Load32(const char* at) {
  uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Eight bytes a step, the last ones overlapping, so that no load has a length of its own. Not for hostile
// keys: all keys stored come from the model, and a hostile text can only search, at the price of one chain
// that the model's tokens bound.
uint32_t HashBytes(std::string_view bytes) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
  constexpr int kFold = 32;
  const size_t size = bytes.size();
  const char* data = bytes.data();
  const auto byte = [data](size_t at) { return static_cast<uint64_t>(static_cast<unsigned char>(data[at])); };
  uint64_t hash = size * kMultiplier;
  uint64_t last = 0;
  if (size > 8) {
    for (size_t at = 0; at + 8 < size; at += 8) {
      hash = (hash ^ Load64(data + at)) * kMultiplier;
      hash ^= hash >> kFold;
    }
    last = Load64(data + size - 8);
  } else if (size >= 4) {
    last = Load32(data) << 32 | Load32(data + size - 4);
  } else if (size > 0) {
    last = byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
  }
  hash = (hash ^ last) * kMultiplier;
  hash = (hash ^ hash >> kFold) * kMultiplier;
  return static_cast<uint32_t>(hash >> kFold);
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

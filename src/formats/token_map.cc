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

constexpr size_t kWordBytes = 8;
constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
constexpr int kFold = 32;

// Up to 8 bytes: together with their number, the bytes themselves. More: a hash, eight bytes a step, the last
// ones overlapping, so that no load has a length of its own. Not for hostile keys: all keys stored come from
// the model, and a hostile text can only search, at the price of one chain that the model's tokens bound.
uint64_t WordOf(std::string_view bytes) {
  const size_t size = bytes.size();
  const char* data = bytes.data();
  const auto byte = [data](size_t at) { return static_cast<uint64_t>(static_cast<unsigned char>(data[at])); };
  if (size > kWordBytes) {
    uint64_t hash = 0;
    for (size_t at = 0; at + kWordBytes < size; at += kWordBytes) {
      hash = (hash ^ Load64(data + at)) * kMultiplier;
      hash ^= hash >> kFold;
    }
    hash = (hash ^ Load64(data + size - kWordBytes)) * kMultiplier;
    return hash ^ hash >> kFold;
  }
  if (size >= 4) return Load32(data) << 32 | Load32(data + size - 4);
  return size == 0 ? 0 : byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
}

size_t Home(uint64_t word, size_t size) {
  uint64_t hash = (word ^ size << 56) * kMultiplier;
  hash = (hash ^ hash >> kFold) * kMultiplier;
  return hash >> kFold;
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
    const uint64_t word = WordOf(token);
    size_t at = Home(word, token.size()) & mask_;
    bool known = false;
    while (slots_[at].id >= 0 && !known) {
      known = Holds(slots_[at], word, token);
      if (!known) at = (at + 1) & mask_;
    }
    if (known) {
      if (doubled_ < 0) doubled_ = static_cast<int32_t>(id);
    } else {
      slots_[at] = {word, static_cast<uint32_t>(token.size()), static_cast<int32_t>(id)};
    }
  }
}

bool TokenMap::Holds(const Slot& slot, uint64_t word, std::string_view bytes) const {
  if (slot.word != word || slot.size != bytes.size()) return false;
  return bytes.size() <= kWordBytes || tokens_[slot.id] == bytes;
}

int32_t TokenMap::Find(std::string_view bytes) const {
  if (bytes.size() > longest_) return -1;
  const uint64_t word = WordOf(bytes);
  for (size_t at = Home(word, bytes.size()) & mask_; slots_[at].id >= 0; at = (at + 1) & mask_) {
    if (Holds(slots_[at], word, bytes)) return slots_[at].id;
  }
  return -1;
}

}  // namespace gatehouse

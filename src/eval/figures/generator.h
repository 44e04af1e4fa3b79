// Random numbers that are the same on every machine and in every build, unlike those of std distributions.
// Internal to this folder.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/mix64.h"

namespace gatehouse {

// splitmix64: a counter, scrambled. Spreads seeds.
class SplitMix64 {
 public:
  explicit SplitMix64(uint64_t seed) : counter_(seed) {}

  uint64_t Next() { return Mix64(counter_ += kGolden64); }

 private:
  uint64_t counter_;
};

// xoshiro256**.
class Generator {
 public:
  // The state must not be all 0.
  explicit Generator(const std::array<uint64_t, 4>& state) : state_(state) {}
  // One of many independent streams of a seed.
  Generator(uint64_t seed, uint64_t stream) {
    SplitMix64 spread(SplitMix64(SplitMix64(seed).Next() + stream).Next());
    for (uint64_t& word : state_) word = spread.Next();
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Evenly from 0..bound-1: the high half of a product, less the few low halves that would favour some
  // numbers.
  uint64_t Below(uint64_t bound) {
    Product product = Product{Next()} * bound;
    if (static_cast<uint64_t>(product) < bound) {
      const uint64_t unfair = (0 - bound) % bound;
      while (static_cast<uint64_t>(product) < unfair) product = Product{Next()} * bound;
    }
    return static_cast<uint64_t>(product >> 64);
  }

 private:
  __extension__ using Product = unsigned __int128;

  std::array<uint64_t, 4> state_;
};

}  // namespace gatehouse

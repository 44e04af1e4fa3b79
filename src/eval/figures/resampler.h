// Draws rows with replacement: how often each row is in each round of a bootstrap. Internal to this folder.
//
// Round r of a seed is the same whatever rounds were drawn before, and the same on every machine: each round
// has a stream of its own (generator.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gatehouse {

class Resampler {
 public:
  // clusters: null, or the number of each row's cluster. As many clusters are drawn as there are, each with
  // all of its rows, so the number of rows differs between rounds.
  Resampler(size_t n, const uint32_t* clusters, uint64_t seed);

  // Draws one round into weights() and returns the number of rows drawn.
  int64_t Draw(int round);
  const std::vector<uint32_t>& weights() const { return weights_; }  // [row]

 private:
  uint64_t seed_;
  std::vector<uint32_t> weights_;
  std::vector<uint32_t> cluster_of_;       // [row], from 0 without gaps; empty: each row is its own
  std::vector<uint32_t> cluster_weights_;  // [cluster]
};

}  // namespace gatehouse

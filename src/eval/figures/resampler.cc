#include "eval/figures/resampler.h"

#include <algorithm>

#include "eval/figures/generator.h"

namespace gatehouse {
namespace {

void DrawWithReplacement(Generator generator, std::vector<uint32_t>& counts) {
  std::fill(counts.begin(), counts.end(), 0U);
  const size_t size = counts.size();
  for (size_t i = 0; i < size; ++i) ++counts[generator.Below(size)];
}

}  // namespace

Resampler::Resampler(size_t n, const uint32_t* clusters, uint64_t seed) : seed_(seed), weights_(n) {
  if (clusters == nullptr) return;
  std::vector<uint32_t> distinct(clusters, clusters + n);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  cluster_weights_.resize(distinct.size());
  cluster_of_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    cluster_of_[i] = static_cast<uint32_t>(std::lower_bound(distinct.begin(), distinct.end(), clusters[i]) -
                                           distinct.begin());
  }
}

int64_t Resampler::Draw(int round) {
  const Generator generator(seed_, static_cast<uint64_t>(round));
  if (cluster_of_.empty()) {
    DrawWithReplacement(generator, weights_);
    return static_cast<int64_t>(weights_.size());
  }
  DrawWithReplacement(generator, cluster_weights_);
  int64_t total = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    weights_[i] = cluster_weights_[cluster_of_[i]];
    total += weights_[i];
  }
  return total;
}

}  // namespace gatehouse

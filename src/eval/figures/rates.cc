#include "eval/figures/rates.h"

#include "eval/figures/percentile.h"
#include "eval/figures/resampler.h"

namespace gatehouse {
namespace {

struct Sums {
  int64_t counted = 0, yes = 0;
  std::optional<double> rate() const {
    if (counted == 0) return std::nullopt;
    return static_cast<double>(yes) / static_cast<double>(counted);
  }
};

template <typename Weight>
Sums SumOf(const Outcomes& outcomes, Weight&& weight) {
  Sums out;
  for (size_t row = 0; row < outcomes.size(); ++row) {
    if (outcomes[row] == kNotCounted) continue;
    const int64_t count = weight(row);
    out.counted += count;
    out.yes += outcomes[row] != 0 ? count : 0;
  }
  return out;
}

std::optional<double> Difference(const std::vector<std::optional<double>>& rates,
                                 const std::pair<size_t, size_t>& pair) {
  const std::optional<double>&from = rates[pair.first], &to = rates[pair.second];
  return from && to ? std::optional(*to - *from) : std::nullopt;
}

}  // namespace

Rates PairedRates(const std::vector<Outcomes>& outcomes, const std::vector<std::pair<size_t, size_t>>& pairs,
                  const BootstrapOptions& options) {
  Rates out;
  std::vector<std::optional<double>> rates;
  for (const Outcomes& one : outcomes) {
    const Sums sums = SumOf(one, [](size_t) { return int64_t{1}; });
    rates.push_back(sums.rate());
    out.rates.push_back({sums.counted, sums.yes, sums.rate(), {}});
  }
  std::vector<std::vector<double>> rate_samples(outcomes.size()), difference_samples(pairs.size());
  Resampler resampler(outcomes.empty() ? 0 : outcomes[0].size(), options.clusters, options.seed);
  std::vector<std::optional<double>> drawn(outcomes.size());
  for (int round = 0; round < options.rounds; ++round) {
    resampler.Draw(round);
    const uint32_t* weights = resampler.weights().data();
    for (size_t i = 0; i < outcomes.size(); ++i) {
      drawn[i] = SumOf(outcomes[i], [weights](size_t row) { return int64_t{weights[row]}; }).rate();
      if (drawn[i]) rate_samples[i].push_back(*drawn[i]);
    }
    for (size_t i = 0; i < pairs.size(); ++i)
      if (const auto value = Difference(drawn, pairs[i])) difference_samples[i].push_back(*value);
  }
  for (size_t i = 0; i < outcomes.size(); ++i)
    out.rates[i].interval = PercentileInterval(rate_samples[i], options);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto value = Difference(rates, pairs[i]);
    const auto interval = PercentileInterval(difference_samples[i], options);
    out.differences.emplace_back();
    if (value && interval) out.differences.back() = {*value, *interval};
  }
  return out;
}

}  // namespace gatehouse

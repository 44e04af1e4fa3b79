// Rates of several outcomes over the same rows, and differences between them, by one resampling for all: a
// row that is drawn counts in every outcome, so that differences are paired.
//
//   const std::vector<Outcomes> outcomes = {seen_without, seen_with};  // of the same rows
//   const Rates rates = PairedRates(outcomes, {{0, 1}}, options);
//   rates.rates[1].value, rates.differences[0]->interval               // the second less the first
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "eval/figures/bootstrap.h"

namespace gatehouse {

inline constexpr uint8_t kNotCounted = 2;  // the row does not count for this outcome
using Outcomes = std::vector<uint8_t>;     // [rows]: 1, 0 or kNotCounted

struct OutcomeRate {
  int64_t counted = 0, yes = 0;
  std::optional<double> value;  // absent where no row counts
  std::optional<Interval> interval;
};

struct Rates {
  std::vector<OutcomeRate> rates;                                         // [outcomes]
  std::vector<std::optional<FigureDifferences::Difference>> differences;  // [pairs]
};

// outcomes: all of one length. pairs: numbers of outcomes; of each, the second's rate less the first's.
// Intervals are those of Bootstrap: percentiles, absent where a rate is undefined in more than half of the
// rounds.
Rates PairedRates(const std::vector<Outcomes>& outcomes, const std::vector<std::pair<size_t, size_t>>& pairs,
                  const BootstrapOptions& options);

}  // namespace gatehouse

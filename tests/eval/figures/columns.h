// Rows as a test writes them, and random ones.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "eval/figures/figures.h"

namespace gatehouse::test {

struct Columns {
  std::vector<double> scores;
  std::vector<uint8_t> labels;
  std::vector<uint8_t> predicted;  // empty: score >= 0.5

  ScoredRows Rows() {
    for (size_t i = predicted.size(); i < scores.size(); ++i) predicted.push_back(scores[i] >= 0.5 ? 1 : 0);
    return {scores.data(), labels.data(), predicted.data(), scores.size()};
  }
};

// Evenly from [0, 1): of an engine whose output the standard fixes, without a distribution, which it does
// not.
inline double Uniform(std::mt19937_64& engine) { return static_cast<double>(engine() >> 11) * 0x1p-53; }

// Unsafe rows tend to score higher. With `levels` > 0 scores are multiples of 1 / levels, 0 and 1 among them.
inline Columns RandomColumns(std::mt19937_64& engine, size_t n, int levels) {
  Columns columns;
  for (size_t i = 0; i < n; ++i) {
    const bool unsafe = Uniform(engine) < 0.4;
    double score = Uniform(engine);
    if (unsafe) score = 1 - score * score;
    if (levels > 0) score = static_cast<double>(static_cast<int>(score * (levels + 1))) / levels;
    if (score > 1) score = 1;
    columns.scores.push_back(score);
    columns.labels.push_back(unsafe ? 1 : 0);
    columns.predicted.push_back(Uniform(engine) < 0.9 ? score >= 0.5 : score < 0.5);
  }
  return columns;
}

}  // namespace gatehouse::test

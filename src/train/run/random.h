// Random: numbers that follow from a seed and a place alone, so that a run that goes on draws what one left
// alone would have drawn. Not the standard library's distributions, whose results differ from one to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/mix64.h"

namespace gatehouse::train {

class Random {
 public:
  Random(uint64_t seed, uint64_t place) : state_(Mix64(seed + kGolden64) ^ Mix64(place * kGolden64 + 1)) {}

  uint64_t Next() { return Mix64(state_ += kGolden64); }
  double Share() { return static_cast<double>(Next() >> 11) * 0x1p-53; }  // [0, 1)
  size_t Below(size_t n) { return static_cast<size_t>(Next() % n); }      // n far below 2^64

  template <typename T>
  void Shuffle(std::vector<T>* items) {
    for (size_t i = items->size(); i > 1; --i) std::swap((*items)[i - 1], (*items)[Below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace gatehouse::train

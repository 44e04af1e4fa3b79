// What benchmarks of several rounds share: time, medians, and rounds that another program paces.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/elapsed.h"
#include "benchmark/console.h"
#include "formats/json_object.h"

namespace gatehouse::benchmark {

// Of at least one value; of an even number, the upper of the two in the middle.
inline double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// With `--paced`, each round begins when a line comes on standard input, and says on standard output when it
// is over: another program can be measured in between, while both stay loaded.
class Paced {
 public:
  Paced(bool on, const Console& console) : on_(on), console_(console) {}
  // Says that all is loaded, by {"ready":true} with what else the other program should know.
  Result<void> Ready(const JsonObject& ready = JsonObject().Add("ready", true)) const { return Say(ready); }
  // False: standard input has ended, and so do the rounds. Errors: kBadInput.
  Result<bool> Wait() const { return on_ ? console_.next_line() : Result<bool>(true); }
  Result<void> Over(double milliseconds) const {
    return Say(JsonObject().AddRounded("round_ms", milliseconds, 3));
  }

 private:
  Result<void> Say(const JsonObject& line) const {
    return on_ ? console_.print(line.Text() + "\n") : Result<void>();
  }
  bool on_;
  const Console& console_;
};

}  // namespace gatehouse::benchmark

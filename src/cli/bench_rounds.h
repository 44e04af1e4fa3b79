// What benchmarks of several rounds share: medians, and turns with another program.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace gatehouse::cli {

// Of at least one value; of an even number, the upper of the two in the middle.
inline double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// With `--turns`, each round begins when a line comes on standard input, and says on standard output when it
// is over: another program can be measured in between, while both stay loaded.
class Turns {
 public:
  // Says that all is loaded; more: fields of that object, each with a comma before it.
  explicit Turns(bool on, const std::string& more = "") : on_(on) {
    if (on_) Say("{\"ready\":true" + more + "}");
  }
  // False: standard input has ended, and so do the rounds.
  bool Wait() const {
    if (!on_) return true;
    for (int byte; (byte = std::getchar()) != EOF;) {
      if (byte == '\n') return true;
    }
    return false;
  }
  void Over(double milliseconds) const {
    if (on_) Say(fmt::format("{{\"turn_ms\":{:.3f}}}", milliseconds));
  }

 private:
  static void Say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  bool on_;
};

}  // namespace gatehouse::cli

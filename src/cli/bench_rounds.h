// What benchmarks of several rounds share: time, medians, and turns with another program.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/input.h"
#include "cli/output.h"

namespace gatehouse::cli {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

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
  explicit Turns(bool on) : on_(on) {}
  // Says that all is loaded; more: fields of that object, each with a comma before it.
  Result<void> Ready(const std::string& more = "") const { return Say("{\"ready\":true" + more + "}\n"); }
  // False: standard input has ended, and so do the rounds. Errors: kBadInput.
  Result<bool> Wait() {
    if (!on_) return true;
    if (!lines_) {
      GATEHOUSE_ASSIGN(LineReader lines, LineReader::Open("-", size_t{1} << 16));
      lines_.emplace(std::move(lines));
    }
    LineReader::Line line;
    return lines_->Next(&line);
  }
  Result<void> Over(double milliseconds) const {
    return Say(fmt::format("{{\"turn_ms\":{:.3f}}}\n", milliseconds));
  }

 private:
  Result<void> Say(const std::string& line) const { return on_ ? PrintText(line) : Result<void>(); }
  bool on_;
  std::optional<LineReader> lines_;
};

}  // namespace gatehouse::cli

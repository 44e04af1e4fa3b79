// Numbers as people read them: percents with one decimal, counts in groups of three, a dash for what is not
// defined. The same in the terminal and on pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "eval/figures/bootstrap.h"

namespace gatehouse {

inline constexpr char kDash[] = "–";

std::string Percent(std::optional<double> share);  // "85.2%"
// "84.1–86.3%", with the dash of a range; a dash alone where absent.
std::string PercentRange(const std::optional<Interval>& interval);
std::string SignedPoints(double difference);             // "+1.8", "−0.4": percentage points
std::string SignedPointRange(const Interval& interval);  // "+0.4 to +3.2"

std::string Count(int64_t n);                          // "12 345", with narrow no-break spaces
std::string Score(std::optional<double> probability);  // "0.9731"; "∞" above every score
std::string Milliseconds(double milliseconds);         // "12.3 ms", "1.25 s"

// A coordinate or a length in a drawing: at most three decimals, never an exponent, and 0 for what is no
// number.
std::string Coordinate(double value);

}  // namespace gatehouse

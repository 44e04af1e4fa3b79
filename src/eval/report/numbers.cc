#include "eval/report/numbers.h"

#include <fmt/format.h>

#include <cmath>

namespace gatehouse {
namespace {

constexpr char kMinus[] = "−";

// No "-0.0".
double Rounded(double value, double scale) {
  const double rounded = std::round(value * scale) / scale;
  return rounded == 0 ? 0 : rounded;
}

}  // namespace

std::string Percent(std::optional<double> share) {
  if (!share || !std::isfinite(*share)) return kDash;
  return fmt::format("{:.1f}%", Rounded(*share * 100, 10));
}

std::string PercentRange(const std::optional<Interval>& interval) {
  if (!interval || !std::isfinite(interval->low) || !std::isfinite(interval->high)) return kDash;
  return fmt::format("{:.1f}–{:.1f}%", Rounded(interval->low * 100, 10), Rounded(interval->high * 100, 10));
}

std::string SignedPoints(double difference) {
  if (!std::isfinite(difference)) return kDash;
  const double points = Rounded(difference * 100, 10);
  const char* sign = points > 0 ? "+" : points < 0 ? kMinus : "";
  return fmt::format("{}{:.1f}", sign, std::abs(points));
}

std::string SignedPointRange(const Interval& interval) {
  return SignedPoints(interval.low) + " to " + SignedPoints(interval.high);
}

std::string Count(int64_t n) {
  const std::string digits = fmt::format("{}", n);
  const size_t first_digit = n < 0 ? 1 : 0;
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > first_digit && (digits.size() - i) % 3 == 0) out += "\u202f";
    out += digits[i];
  }
  return out;
}

std::string Score(std::optional<double> probability) {
  if (!probability || std::isnan(*probability)) return kDash;
  if (std::isinf(*probability)) return *probability > 0 ? "∞" : "−∞";
  return fmt::format("{:.4f}", Rounded(*probability, 1e4));
}

std::string Milliseconds(double milliseconds) {
  if (!std::isfinite(milliseconds)) return kDash;
  if (milliseconds >= 1000) return fmt::format("{:.2f}\u00a0s", milliseconds / 1000);
  return fmt::format("{:.{}f}\u00a0ms", milliseconds, milliseconds < 10 ? 2 : 1);
}

std::string Coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string out = fmt::format("{:.2f}", Rounded(value, 100));
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

}  // namespace gatehouse

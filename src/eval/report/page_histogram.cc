// How scores are spread: unsafe rows upwards, safe rows downwards, so that neither hides the other.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/svg_plot.h"

namespace gatehouse {
namespace {

constexpr double kMiddle = (PlotArea::kTop + PlotArea::kBottom) / 2;
constexpr double kHalf = (PlotArea::kBottom - PlotArea::kTop) / 2;

// 4, 8, 20, 40, ...: a quarter of it is a round number too, and half as high on a square-root scale.
double RoundTop(int64_t largest) {
  double top = 4;
  for (int step = 0; top < static_cast<double>(largest); ++step) top *= step % 3 == 1 ? 2.5 : 2;
  return top;
}

double HeightOf(double count, double top) { return kHalf * std::sqrt(std::max(0.0, count) / top); }

std::string Bar(int bin, int64_t count, double top, bool unsafe) {
  if (count <= 0) return {};
  const double width = (PlotArea::kRight - PlotArea::kLeft) / Report::kHistogramBins;
  const double height = std::max(1.0, HeightOf(static_cast<double>(count), top));
  const double low = static_cast<double>(bin) / Report::kHistogramBins;
  return fmt::format(
      "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{} {} rows with scores {:.3f} "
      "to "
      "{:.3f}</title></rect>",
      unsafe ? "unsafe" : "safe", Coordinate(PlotArea::kLeft + bin * width + 0.5),
      Coordinate(unsafe ? kMiddle - height : kMiddle), Coordinate(width - 1), Coordinate(height),
      Count(count), unsafe ? "unsafe" : "safe", low, low + 1.0 / Report::kHistogramBins);
}

std::string CountAxis(double top) {
  std::string out;
  for (const double share : {1.0, 0.25, 0.0}) {
    for (const double side : {-1.0, 1.0}) {
      if (share == 0 && side > 0) continue;
      const double y = kMiddle + side * HeightOf(share * top, top);
      out += SvgLine(PlotArea::kLeft, y, PlotArea::kRight, y, share == 0 ? "axis" : "grid");
      out += SvgText(PlotArea::kLeft - 8, y + 4, "tick end", Count(std::llround(share * top)));
    }
  }
  return out;
}

std::string ThresholdLine(double threshold) {
  if (!(threshold >= 0 && threshold <= 1)) return {};
  const double x = PlotArea::X(threshold);
  const bool right = threshold > 0.6;
  return SvgLine(x, PlotArea::kTop - 6, x, PlotArea::kBottom, "threshold") +
         SvgText(right ? x - 5 : x + 5, PlotArea::kTop - 5, right ? "note end" : "note",
                 "threshold " + Score(threshold));
}

}  // namespace

std::string HistogramChart(const Report& report) {
  int64_t largest = 0, safe = 0, unsafe = 0;
  for (int bin = 0; bin < Report::kHistogramBins; ++bin) {
    const size_t at = static_cast<size_t>(bin);
    largest = std::max({largest, report.safe_histogram[at], report.unsafe_histogram[at]});
    safe += report.safe_histogram[at];
    unsafe += report.unsafe_histogram[at];
  }
  if (largest == 0) return {};
  const double top = RoundTop(largest);
  std::string out = SvgOpen(fmt::format(
      "Histogram of scores: {} unsafe rows upwards, {} safe rows downwards.", Count(unsafe), Count(safe)));
  out += CountAxis(top) + SvgBottomAxis(ScoreAxis("Score")) +
         SvgText(PlotArea::kLeft, PlotArea::kNameLine, "name", "Rows");
  for (int bin = 0; bin < Report::kHistogramBins; ++bin) {
    out += Bar(bin, report.unsafe_histogram[static_cast<size_t>(bin)], top, true);
    out += Bar(bin, report.safe_histogram[static_cast<size_t>(bin)], top, false);
  }
  if (report.threshold) out += ThresholdLine(*report.threshold);
  return out + "</svg>";
}

}  // namespace gatehouse

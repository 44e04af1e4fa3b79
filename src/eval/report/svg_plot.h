// A chart in SVG: a frame with axes from 0 to 1, and lines and dots in it. Colours come from the page's
// style.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse {

// What stands along an axis: its title, and texts at 0, a quarter, half, three quarters and 1 of it.
struct SvgAxis {
  std::string title;
  std::array<std::string, 5> ticks;
};
SvgAxis PercentAxis(std::string_view title);  // "0%" to "100%"
SvgAxis ScoreAxis(std::string_view title);    // "0.00" to "1.00"

class SvgPlot {
 public:
  using Points = std::vector<std::pair<double, double>>;

  // The label says to those who cannot see the chart what it shows; all texts are plain.
  SvgPlot(std::string_view label, const SvgAxis& x, const SvgAxis& y);
  SvgPlot(std::string_view label, std::string_view x_title, std::string_view y_title)
      : SvgPlot(label, PercentAxis(x_title), PercentAxis(y_title)) {}

  void Line(const Points& points, std::string_view css_class);
  void Dot(double x, double y, std::string_view css_class, std::string_view tooltip);
  // A dot large enough for a letter in it.
  void LetterDot(double x, double y, std::string_view letter, std::string_view css_class,
                 std::string_view tooltip);
  // A spot that shows nothing but its tooltip.
  void Spot(double x, double y, std::string_view tooltip);

  std::string Finish() &&;

 private:
  std::string out_;
};

// The frame of all charts, in units of the viewBox.
struct PlotArea {
  static constexpr double kWidth = 420, kHeight = 340;
  static constexpr double kLeft = 54, kRight = 398, kTop = 34, kBottom = 292;
  static constexpr double kNameLine = 13;  // of the title of the axis at the left
  static double X(double share) { return kLeft + share * (kRight - kLeft); }
  static double Y(double share) { return kBottom - share * (kBottom - kTop); }
};
std::string SvgOpen(std::string_view label);
std::string SvgText(double x, double y, std::string_view css_class, std::string_view text);
std::string SvgLine(double x1, double y1, double x2, double y2, std::string_view css_class);
// Ticks along the bottom, and the title of the axis.
std::string SvgBottomAxis(const SvgAxis& axis);

// Bars of a table's cell, 100 wide and stretched to the cell: the value, its interval, and a line where the
// value of all rows is (below 0: none).
struct BarMarks {
  double value = -1, low = -1, high = -1, reference = -1;  // shares; below 0: not drawn
};
std::string SvgBar(const BarMarks& marks);
// A thin track with the interval as a band and the value as a tick.
std::string SvgStrip(const BarMarks& marks);
// A difference around 0, with its interval: values from -scale to scale.
std::string SvgDifference(double value, double low, double high, double scale);

}  // namespace gatehouse

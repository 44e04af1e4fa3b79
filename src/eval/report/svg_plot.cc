#include "eval/report/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"

namespace gatehouse {
namespace {

std::string Title(std::string_view tooltip) { return "<title>" + HtmlText(tooltip) + "</title>"; }

double Inside(double share) { return std::clamp(share, 0.0, 1.0); }

std::string Circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip) {
  return fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{}</circle>", css_class,
                     Coordinate(PlotArea::X(Inside(x))), Coordinate(PlotArea::Y(Inside(y))),
                     Coordinate(radius), Title(tooltip));
}

// 100 units wide whatever the room: lines keep their width (vector-effect in the style).
std::string StretchedOpen(std::string_view css_class, int height) {
  return fmt::format(
      "<svg class=\"{}\" viewBox=\"0 0 100 {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" "
      "focusable=\"false\">",
      css_class, height);
}

std::string Rect(std::string_view css_class, double x, double y, double width, double height) {
  return fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", css_class,
                     Coordinate(x), Coordinate(y), Coordinate(width), Coordinate(height));
}

}  // namespace

std::string SvgOpen(std::string_view label) {
  return fmt::format("<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
                     Coordinate(PlotArea::kWidth), Coordinate(PlotArea::kHeight), HtmlText(label));
}

std::string SvgText(double x, double y, std::string_view css_class, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", css_class, Coordinate(x),
                     Coordinate(y), HtmlText(text));
}

std::string SvgLine(double x1, double y1, double x2, double y2, std::string_view css_class) {
  return fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>", css_class,
                     Coordinate(x1), Coordinate(y1), Coordinate(x2), Coordinate(y2));
}

SvgAxis PercentAxis(std::string_view title) {
  return {std::string(title), {"0%", "25%", "50%", "75%", "100%"}};
}

SvgAxis ScoreAxis(std::string_view title) {
  return {std::string(title), {"0.00", "0.25", "0.50", "0.75", "1.00"}};
}

std::string SvgBottomAxis(const SvgAxis& axis) {
  std::string out;
  for (size_t tick = 0; tick < axis.ticks.size(); ++tick) {
    const double x = PlotArea::X(static_cast<double>(tick) / 4.0);
    out += SvgLine(x, PlotArea::kBottom, x, PlotArea::kBottom + 4, "axis");
    out += SvgText(x, PlotArea::kBottom + 19, "tick mid", axis.ticks[tick]);
  }
  return out + SvgText(PlotArea::kRight, PlotArea::kHeight - 8, "name end", axis.title);
}

SvgPlot::SvgPlot(std::string_view label, const SvgAxis& x_axis, const SvgAxis& y_axis)
    : out_(SvgOpen(label)) {
  for (size_t tick = 0; tick < y_axis.ticks.size(); ++tick) {
    const double share = static_cast<double>(tick) / 4.0;
    const double x = PlotArea::X(share), y = PlotArea::Y(share);
    const char* css_class = tick == 0 ? "axis" : "grid";
    out_ += SvgLine(x, PlotArea::kTop, x, PlotArea::kBottom, css_class);
    out_ += SvgLine(PlotArea::kLeft, y, PlotArea::kRight, y, css_class);
    out_ += SvgText(PlotArea::kLeft - 8, y + 4, "tick end", y_axis.ticks[tick]);
  }
  out_ += SvgBottomAxis(x_axis);
  out_ += SvgText(PlotArea::kLeft, PlotArea::kNameLine, "name", y_axis.title);
}

void SvgPlot::Line(const Points& points, std::string_view css_class) {
  if (points.size() < 2) return;
  fmt::format_to(std::back_inserter(out_), "<polyline class=\"{}\" points=\"", css_class);
  std::string last;
  for (const auto& [x, y] : points) {
    std::string point = Coordinate(PlotArea::X(Inside(x))) + "," + Coordinate(PlotArea::Y(Inside(y)));
    if (point == last) continue;
    out_ += (last.empty() ? "" : " ") + point;
    last = std::move(point);
  }
  out_ += "\"/>";
}

void SvgPlot::Dot(double x, double y, std::string_view css_class, std::string_view tooltip) {
  out_ += Circle(x, y, 5, css_class, tooltip);
}

void SvgPlot::LetterDot(double x, double y, std::string_view letter, std::string_view css_class,
                        std::string_view tooltip) {
  out_ += fmt::format("<g class=\"{}\">", css_class) + Circle(x, y, 9, "dot", tooltip) +
          SvgText(PlotArea::X(Inside(x)), PlotArea::Y(Inside(y)) + 4, "letter", letter) + "</g>";
}

void SvgPlot::Spot(double x, double y, std::string_view tooltip) { out_ += Circle(x, y, 7, "spot", tooltip); }

std::string SvgPlot::Finish() && { return std::move(out_) + "</svg>"; }

std::string SvgBar(const BarMarks& marks) {
  std::string out = StretchedOpen("bar", 16);
  out += Rect("track", 0, 3, 100, 10);
  if (marks.value >= 0) out += Rect("fill", 0, 3, 100 * Inside(marks.value), 10);
  for (int quarter = 1; quarter < 4; ++quarter) out += SvgLine(25 * quarter, 3, 25 * quarter, 13, "quarter");
  if (marks.reference >= 0) {
    const double x = 100 * Inside(marks.reference);
    out += SvgLine(x, 0, x, 16, "reference");
  }
  if (marks.low >= 0 && marks.high >= marks.low) {
    const double low = 100 * Inside(marks.low), high = 100 * Inside(marks.high);
    out += SvgLine(low, 8, high, 8, "whisker") + SvgLine(low, 5, low, 11, "whisker") +
           SvgLine(high, 5, high, 11, "whisker");
  }
  return out + "</svg>";
}

std::string SvgStrip(const BarMarks& marks) {
  std::string out = StretchedOpen("strip", 10);
  out += Rect("track", 0, 3, 100, 4);
  if (marks.low >= 0 && marks.high >= marks.low)
    out += Rect("band", 100 * Inside(marks.low), 3,
                std::max(0.5, 100 * (Inside(marks.high) - Inside(marks.low))), 4);
  if (marks.reference >= 0) {
    const double x = 100 * Inside(marks.reference);
    out += SvgLine(x, 0, x, 10, "reference");
  }
  if (marks.value >= 0) {
    const double x = 100 * Inside(marks.value);
    out += SvgLine(x, 0, x, 10, "mark");
  }
  return out + "</svg>";
}

std::string SvgDifference(double value, double low, double high, double scale) {
  const auto x = [scale](double difference) { return 50 + 50 * std::clamp(difference / scale, -1.0, 1.0); };
  std::string out = StretchedOpen("difference", 16);
  out += Rect("track", 0, 3, 100, 10) + SvgLine(50, 0, 50, 16, "zero");
  out += Rect("band", x(low), 5, std::max(0.5, x(high) - x(low)), 6);
  return out + SvgLine(x(value), 2, x(value), 14, "mark") + "</svg>";
}

}  // namespace gatehouse

// The sections of a page, each a piece of HTML. Reports come as a span: one for a report's own page, several
// for a comparison, where each has its letter and colour. A section with nothing to show is empty.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/report/numbers.h"
#include "eval/report/report.h"

namespace gatehouse {

using Reports = std::span<const Report>;

std::string ReportHeader(const Report& report);
std::string ComparisonHeader(Reports reports);

std::string HeadlineCards(const Report& report);
std::string VerdictMatrix(const Report& report);
std::string SideBySide(Reports reports);
std::string LatencyPart(Reports reports);

bool HasCurves(Reports reports);
std::string CurveCharts(Reports reports);  // precision and recall, ROC
std::string ReliabilityChart(Reports reports);
std::string HistogramChart(const Report& report);

// Bars of every dimension but "category"; those of "category" with the mean over categories.
std::string CategoryBars(Reports reports);
std::string AgainstRestBars(Reports reports);
std::string OtherBars(Reports reports);
std::string ConfusionMap(const Report& report);

std::string DifferencesPart(const Comparison& comparison);
std::string MistakeLists(const Report& report);
std::string ChangedLists(const Comparison& comparison);
std::string TextsButton();  // opens and folds every text of the page
std::string Glossary();

// One fact of a header; html: the value. A name that is untrusted, or a dash.
std::string PageFact(std::string_view name, const std::string& html);
std::string PageName(const std::string& text, const char* otherwise = kDash);

// A bar in a cell, with its figure beside it.
struct BarValue {
  std::optional<double> value;
  std::optional<Interval> interval;
  double reference = -1;
};
std::string ValueBar(const BarValue& value, const std::string& badge, const std::string& css_class);

// The badge of a series, and the attribute that gives a tag the colour and dash of the series.
std::string SeriesBadge(size_t index);
std::string SeriesClass(size_t index);  // "s0" .. "s5"

struct PageSection {
  std::string id, title, lead;  // ours, not from data; the lead may hold tags
  std::string body;             // left out of the page where it is empty
};
// The whole file. `title` is plain text, header and bodies HTML.
std::string Page(std::string_view title, const std::string& header, const std::vector<PageSection>& sections);

// The files page.css, page_parts.css and page.js. The script is fixed, since the page allows a script by its
// digest alone; links into folded lists need no help of it.
extern const char* const kPageStyle;
extern const char* const kPageStyleOfParts;
extern const char* const kPageScript;

}  // namespace gatehouse

// Report: every figure of one evaluation, ready to be shown; a Comparison: two or more of them over the same
// rows. Both are plain data: computed once (report.cc), written as a table, JSON or a page.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/figures/bootstrap.h"
#include "eval/figures/figures.h"
#include "eval/report/report_head.h"

namespace gatehouse {

struct GroupFigures {
  std::string name;  // "xstest", "S9", "fr", "user", "several"
  BinaryFigures figures;
  FigureIntervals intervals;
};

// One way to divide the rows: "source", "category", "language", "role", "images", or a field of the rows.
struct Dimension {
  std::string name;
  std::vector<GroupFigures> groups;
};

// A row judged wrongly, the most confident first.
struct Mistake {
  std::string id, source, language, role;
  bool unsafe = false;  // the label
  double score = 0;
  std::vector<std::string> labelled, predicted;  // categories
  std::string
      text;  // of the judged message, cut at 2 000 characters; untrusted, empty when the data is not there
};

// Rows labelled with exactly one known category (row) against the first category said (column).
struct CategoryConfusion {
  std::vector<std::string> rows;     // labelled keys
  std::vector<std::string> columns;  // keys, then "safe", "unknown"
  std::vector<int64_t> counts;       // [rows][columns]
};

struct Latency {  // milliseconds a row
  double p50 = 0, p95 = 0, p99 = 0, mean = 0;
  double tokens_per_second = 0;  // prompt tokens over the time of their rows; 0 where unknown
};

struct Report : ReportHead {
  int64_t n = 0;
  int64_t problems = 0;            // rows that could not be read or judged
  int64_t unknown_categories = 0;  // unsafe rows that count for no category
  // Labelled names that are no keys of the policy, untrusted, and how many rows have them.
  std::vector<std::pair<std::string, int64_t>> unlisted_categories;

  GroupFigures overall;
  std::vector<Dimension> dimensions;

  // The model card's way: plain means of recall, fpr and f1 over categories (S14 left out) and over
  // languages.
  struct Mean {
    std::optional<double> recall, fpr, f1;
    int groups = 0;
  };
  Mean category_mean, language_mean;

  // Category against rest, from category_scores over rows with known categories.
  std::vector<GroupFigures> category_against_rest;
  std::optional<double> category_macro_f1, category_micro_f1;

  std::optional<OperatingPoint> at_fpr;  // of --at-fpr
  double wanted_fpr = 0.05;

  std::vector<CurvePoint> curve;  // thinned; PR and ROC are drawn from it
  std::vector<ReliabilityBin> reliability;
  static constexpr int kHistogramBins = 40;  // of equal width over 0..1
  std::array<int64_t, kHistogramBins> safe_histogram{}, unsafe_histogram{};
  CategoryConfusion confusion;
  std::optional<Latency> latency;
  std::vector<Mistake> mistakes;  // at most 50 of each kind
};

struct Comparison {
  std::vector<Report> reports;  // the first is the base
  // Of reports[i + 1] against reports[0].
  struct Against {
    FigureDifferences differences;
    int64_t verdicts_differ = 0;
    double mean_score_difference = 0, worst_score_difference = 0;  // absolute
    std::vector<Mistake> changed;  // at most 50 rows with different verdicts, largest difference first
    std::vector<double> changed_other_score;  // [changed]: the other model's score
  };
  std::vector<Against> against;
};

// docs/evaluation.md describes the fields. Undefined figures are null.
std::string ReportJson(const Report& report);
std::string ComparisonJson(const Comparison& comparison);
// For a terminal of `width` columns; undefined figures are a dash.
std::string ReportTable(const Report& report, int width, bool colour);
std::string ComparisonTable(const Comparison& comparison, int width, bool colour);
// One self-contained page: no outside requests, no script from data.
std::string ReportPage(const Report& report);
std::string ComparisonPage(const Comparison& comparison);

}  // namespace gatehouse

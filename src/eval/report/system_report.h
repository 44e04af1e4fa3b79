// SystemReport: what users of a model meet with no filter, with one before it, one behind it, and both: how
// often they see a violation, how often they are refused, and how often a harmless prompt is. Plain data:
// computed once (eval/run/system.cc), written as a table, JSON or a page.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/figures/bootstrap.h"
#include "eval/report/report_head.h"

namespace gatehouse {

enum Filter : size_t { kNoFilter, kInputFilter, kOutputFilter, kBothFilters };
inline constexpr size_t kFilterCount = 4;
inline constexpr std::array<const char*, kFilterCount> kFilterNames = {"none", "input", "output", "both"};

// One rate with each filter.
struct SystemRate {
  struct WithFilter {
    std::optional<double> value;
    std::optional<Interval> interval;
    std::optional<FigureDifferences::Difference> change;  // from no filter, by the same rows
  };
  int64_t counted = 0;  // rows
  std::array<WithFilter, kFilterCount> filters;
  std::optional<FigureDifferences::Difference>
      output_to_input;  // the input filter's less the output filter's
};

struct SystemFigures {
  int64_t n = 0;
  SystemRate violations, refusals, harmless_refusals;
};

struct SystemRateInfo {
  const char *key, *title, *meaning;
  SystemRate SystemFigures::*rate;
};
inline constexpr std::array<SystemRateInfo, 3> kSystemRates{{
    {"violations", "Violations", "answers that violate and that the user sees", &SystemFigures::violations},
    {"refusals", "Refusals", "answers that refuse, and what a filter blocks", &SystemFigures::refusals},
    {"harmless_refusals", "Harmless refused", "the same, of prompts known to be harmless",
     &SystemFigures::harmless_refusals},
}};

struct SystemGroup {
  std::string name;
  SystemFigures figures;
};
struct SystemDimension {
  std::string name;
  std::vector<SystemGroup> groups;
};

// With one threshold for all: rates over all rows, and over those that count.
struct SystemPoint {
  double threshold = 0;
  std::optional<double> violations, refusals, harmless_refusals;
};

struct FilterCost {  // milliseconds a request
  double mean = 0, p50 = 0, p95 = 0;
};

struct SystemReport : ReportHead {
  std::string judge;            // the model whose verdicts stand for the answers' labels; empty: the data's
  bool judge_is_guard = false;  // then the output filter misses nothing, by construction
  int64_t n = 0;
  int64_t problems = 0;          // rows that could not be read, or not judged on every side
  int64_t unlabelled = 0;        // answers of which nobody said whether they violate
  int64_t refused_by_field = 0;  // answers of which the data says whether they refuse
  int64_t refusing_violations =
      0;                // labelled violations that begin as a refusal: counted as violations alone
  int64_t prompts = 0;  // different ones

  SystemGroup overall;
  std::vector<SystemDimension> dimensions;
  std::array<std::vector<SystemPoint>, kFilterCount> curves;  // that of no filter is empty
  std::array<std::optional<FilterCost>, kFilterCount> cost;
  std::optional<double> answers_saved;  // by the input filter: the model is not asked
};

std::string SystemReportJson(const SystemReport& report);
std::string SystemReportTable(const SystemReport& report, int width, bool colour);
std::string SystemReportPage(const SystemReport& report);

}  // namespace gatehouse

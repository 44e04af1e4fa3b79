#include "eval/run/build_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "base/error.h"
#include "eval/run/categories.h"
#include "eval/run/mistakes.h"

namespace gatehouse {
namespace {

constexpr size_t kCurvePoints = 400;
constexpr size_t kRowsOfAnExactCurve = 100000;
using Flag = PredictionTable::Flag;

// The languages of the model card's multilingual line.
constexpr std::array<std::string_view, 7> kCardLanguages = {"fr", "de", "hi", "it", "pt", "es", "th"};

class Builder {
 public:
  Builder(const PredictionTable& table, const BootstrapOptions& bootstrap)
      : table_(table), bootstrap_(bootstrap) {}

  template <typename Take>
  GroupFigures Group(std::string name, Take take) const {
    const Columns columns = Columns::Of(table_, take);
    BootstrapOptions options = bootstrap_;
    options.clusters = columns.clusters.empty() ? nullptr : columns.clusters.data();
    return {std::move(name), ComputeFigures(columns.View()), Bootstrap(columns.View(), options)};
  }

  // One group for each value of a column.
  Dimension ByColumn(std::string name, const std::vector<uint16_t>& column,
                     const Numbered<std::string>& values) const {
    Dimension out{std::move(name), {}};
    for (size_t value = 0; value < values.size(); ++value) {
      out.groups.push_back(Group(values[value].empty() ? kNoValue : values[value],
                                 [&](size_t row) { return column[row] == value; }));
    }
    return out;
  }

  Dimension ByRole() const {
    Dimension out{"role", {}};
    for (const bool assistant : {false, true}) {
      const auto take = [&](size_t row) {
        return ((table_.flags[row] & Flag::kAssistant) != 0) == assistant;
      };
      AddIfAny(Group(assistant ? "assistant" : "user", take), &out);
    }
    return out;
  }

  Dimension ByImages() const {
    Dimension out{"images", {}};
    const char* const names[] = {"none", "one", "several"};
    for (uint8_t count = 0; count < 3; ++count) {
      AddIfAny(Group(names[count], [&](size_t row) { return table_.images[row] == count; }), &out);
    }
    return out;
  }

  // The model card's way: rows labelled with the category against the safe rows of the sources that have such
  // rows; the prediction is the verdict.
  Dimension ByCategory() const {
    Dimension out{"category", {}};
    for (const std::string& key : table_.category_keys) {
      const std::vector<uint8_t> holds = SetsHolding(table_, key);
      const auto labelled = [&](size_t row) {
        return (table_.flags[row] & Flag::kUnsafe) != 0 && (table_.flags[row] & Flag::kKnown) != 0 &&
               holds[table_.labelled[row]] != 0;
      };
      std::vector<uint8_t> has(table_.sources.size(), 0);
      for (size_t row = 0; row < table_.rows(); ++row) {
        if (labelled(row)) has[table_.source[row]] = 1;
      }
      AddIfAny(Group(key,
                     [&](size_t row) {
                       if ((table_.flags[row] & Flag::kUnsafe) != 0) return labelled(row);
                       return has[table_.source[row]] != 0;
                     }),
               &out);
    }
    return out;
  }

 private:
  static void AddIfAny(GroupFigures group, Dimension* out) {
    if (group.figures.n > 0) out->groups.push_back(std::move(group));
  }

  const PredictionTable& table_;
  const BootstrapOptions& bootstrap_;
};

template <typename Counts>
Report::Mean MeanOver(const Dimension& dimension, Counts counts) {
  struct Sum {
    double total = 0;
    int groups = 0;
    void Add(const std::optional<double>& value) {
      if (!value) return;
      total += *value;
      ++groups;
    }
    std::optional<double> mean() const { return groups > 0 ? std::optional(total / groups) : std::nullopt; }
  } recall, fpr, f1;
  Report::Mean out;
  for (const GroupFigures& group : dimension.groups) {
    if (!counts(group.name)) continue;
    ++out.groups;
    recall.Add(group.figures.recall);
    fpr.Add(group.figures.fpr);
    f1.Add(group.figures.f1);
  }
  out.recall = recall.mean();
  out.fpr = fpr.mean();
  out.f1 = f1.mean();
  return out;
}

std::optional<Latency> LatencyOf(const PredictionTable& table) {
  std::vector<float> times = table.ms;
  if (times.empty()) return std::nullopt;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return static_cast<double>(
        // The nearest rank: a time that was measured, not one between two.
        times[static_cast<size_t>(share * static_cast<double>(times.size() - 1) + 0.5)]);
  };
  Latency out{at(0.5), at(0.95), at(0.99), 0, 0};
  double total = 0, tokens = 0;
  for (size_t row = 0; row < table.rows(); ++row) {
    total += static_cast<double>(table.ms[row]);
    tokens += table.tokens[row];
  }
  if (total <= 0) return std::nullopt;  // a record that does not say
  out.mean = total / static_cast<double>(table.rows());
  out.tokens_per_second = tokens / (total / 1e3);
  return out;
}

void FillHistograms(const PredictionTable& table, Report* report) {
  for (size_t row = 0; row < table.rows(); ++row) {
    const int bin =
        // A score of exactly 1 belongs to the last bin.
        std::min(static_cast<int>(table.scores[row] * Report::kHistogramBins), Report::kHistogramBins - 1);
    auto& histogram =
        (table.flags[row] & Flag::kUnsafe) != 0 ? report->unsafe_histogram : report->safe_histogram;
    ++histogram[static_cast<size_t>(bin)];
  }
}

}  // namespace

Result<Report> BuildReport(const std::string& record, const ReportOptions& options) {
  GATEHOUSE_ASSIGN(const PredictionTable table, ReadTable(record, options.rule, options.by, options.cluster));
  if (table.rows() == 0 && table.errors > 0)
    return BadInput("no row could be judged", record, "at least one verdict",
                    std::to_string(table.errors) + " errors; the first: " + table.first_error);
  Report report;
  static_cast<ReportHead&>(report) = options;
  report.n = static_cast<int64_t>(table.rows());
  report.problems = table.errors;
  report.unknown_categories = table.unknown_categories;
  report.unlisted_categories.assign(table.unlisted_categories.begin(), table.unlisted_categories.end());

  const Builder builder(table, options.bootstrap);
  report.overall = builder.Group("all", [](size_t) { return true; });
  report.dimensions.push_back(builder.ByColumn("source", table.source, table.sources));
  report.dimensions.push_back(builder.ByCategory());
  report.category_mean =
      MeanOver(report.dimensions.back(), [](const std::string& key) { return key != "S14"; });
  report.dimensions.push_back(builder.ByColumn("language", table.language, table.languages));
  report.language_mean = MeanOver(report.dimensions.back(), [](const std::string& language) {
    return std::find(kCardLanguages.begin(), kCardLanguages.end(), language) != kCardLanguages.end();
  });
  report.dimensions.push_back(builder.ByRole());
  report.dimensions.push_back(builder.ByImages());
  for (size_t i = 0; i < table.by_names.size(); ++i)
    report.dimensions.push_back(builder.ByColumn(table.by_names[i], table.by[i], table.by_values[i]));

  {
    Columns all = Columns::Of(table, [](size_t) { return true; });
    report.wanted_fpr = options.at_fpr;
    report.at_fpr = AtFalsePositiveRate(all.View(), options.at_fpr);
    report.reliability = Reliability(all.View());
    // A curve has a point for each distinct score: of a million rows it is drawn from scores to four digits.
    if (all.scores.size() > kRowsOfAnExactCurve) {
      for (double& score : all.scores) score = std::round(score * 1e4) / 1e4;
    }
    report.curve = Thinned(Curve(all.View()), kCurvePoints);
  }
  FillHistograms(table, &report);
  report.latency = LatencyOf(table);
  report.confusion = ConfusionOf(table);
  GATEHOUSE_TRY(AddCategoryAgainstRest(record, options.rule, options.bootstrap, table, &report));
  GATEHOUSE_TRY(AddMistakes(record, options.rule, &report));
  return report;
}

}  // namespace gatehouse

#include "eval/figures/bootstrap.h"

#include <array>

#include "eval/figures/percentile.h"
#include "eval/figures/resampler.h"
#include "eval/figures/sorted_rows.h"
#include "eval/figures/weighted_figures.h"

namespace gatehouse {
namespace {

struct Figure {
  std::optional<double> BinaryFigures::*value;
  std::optional<Interval> FigureIntervals::*interval;
  std::optional<FigureDifferences::Difference> FigureDifferences::*difference;
};
constexpr std::array<Figure, 7> kFigures = {{
    {&BinaryFigures::recall, &FigureIntervals::recall, &FigureDifferences::recall},
    {&BinaryFigures::fpr, &FigureIntervals::fpr, &FigureDifferences::fpr},
    {&BinaryFigures::precision, &FigureIntervals::precision, &FigureDifferences::precision},
    {&BinaryFigures::f1, &FigureIntervals::f1, &FigureDifferences::f1},
    {&BinaryFigures::auprc, &FigureIntervals::auprc, &FigureDifferences::auprc},
    {&BinaryFigures::auroc, &FigureIntervals::auroc, &FigureDifferences::auroc},
    {&BinaryFigures::ece, &FigureIntervals::ece, &FigureDifferences::ece},
}};

// The values of each figure in the rounds that define it.
using Samples = std::array<std::vector<double>, kFigures.size()>;

BinaryFigures Resampled(const std::vector<SortedRow>& sorted, int64_t total, const Resampler& resampler) {
  const uint32_t* weights = resampler.weights().data();
  return WeightedFigures(sorted, total, [weights](size_t row) { return weights[row]; });
}

bool SameLabels(const ScoredRows& first, const ScoredRows& second) {
  if (first.n != second.n) return false;
  for (size_t i = 0; i < first.n; ++i)
    if ((first.labels[i] != 0) != (second.labels[i] != 0)) return false;
  return true;
}

}  // namespace

FigureIntervals Bootstrap(const ScoredRows& rows, const BootstrapOptions& options) {
  const std::vector<SortedRow> sorted = SortRows(rows);
  Resampler resampler(rows.n, options.clusters, options.seed);
  Samples samples;
  for (int round = 0; round < options.rounds; ++round) {
    const int64_t total = resampler.Draw(round);
    const BinaryFigures figures = Resampled(sorted, total, resampler);
    for (size_t i = 0; i < kFigures.size(); ++i)
      if (const auto& value = figures.*kFigures[i].value) samples[i].push_back(*value);
  }
  FigureIntervals intervals;
  for (size_t i = 0; i < kFigures.size(); ++i)
    intervals.*kFigures[i].interval = PercentileInterval(samples[i], options);
  return intervals;
}

FigureDifferences PairedDifferences(const ScoredRows& first, const ScoredRows& second,
                                    const BootstrapOptions& options) {
  FigureDifferences differences;
  if (!SameLabels(first, second)) return differences;
  const std::vector<SortedRow> sorted_first = SortRows(first), sorted_second = SortRows(second);
  Resampler resampler(first.n, options.clusters, options.seed);
  Samples samples;
  for (int round = 0; round < options.rounds; ++round) {
    const int64_t total = resampler.Draw(round);
    const BinaryFigures a = Resampled(sorted_first, total, resampler);
    const BinaryFigures b = Resampled(sorted_second, total, resampler);
    for (size_t i = 0; i < kFigures.size(); ++i) {
      const auto value = kFigures[i].value;
      if (a.*value && b.*value) samples[i].push_back(*(b.*value) - *(a.*value));
    }
  }
  const BinaryFigures a = UnweightedFigures(sorted_first), b = UnweightedFigures(sorted_second);
  for (size_t i = 0; i < kFigures.size(); ++i) {
    const auto value = kFigures[i].value;
    const auto interval = PercentileInterval(samples[i], options);
    if (interval && a.*value && b.*value)
      differences.*kFigures[i].difference = {*(b.*value) - *(a.*value), *interval};
  }
  return differences;
}

}  // namespace gatehouse

#include "eval/run/tune.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/run/record.h"
#include "eval/run/selection.h"
#include "formats/json.h"

namespace gatehouse {
namespace {

// With fewer unsafe rows a threshold follows single rows: of 50 one is two points of recall.
constexpr int64_t kFewestPositives = 50;
// What a policy may say of its calibration.
constexpr double kSmallestScale = 1e-6, kLargestScale = 1e6;

std::optional<OperatingPoint> Find(const ScoredRows& rows, const ThresholdGoal& goal) {
  std::optional<OperatingPoint> found = goal.fpr ? AtFalsePositiveRate(rows, *goal.fpr) : AtHighestF1(rows);
  if (found && !(found->threshold <= 1))
    found->threshold = 1;  // nothing reaches the rate: only certainty is left
  return found;
}

double LogLoss(const Columns& rows, const Calibration& calibration) {
  // A certain and wrong answer would cost infinitely much, and hide all others.
  constexpr double kSmallest = 1e-7;
  double sum = 0;
  for (size_t row = 0; row < rows.scores.size(); ++row) {
    const double p = std::clamp(Calibrated(calibration, rows.scores[row]), kSmallest, 1 - kSmallest);
    sum -= std::log(rows.labels[row] != 0 ? p : 1 - p);
  }
  return rows.scores.empty() ? 0 : sum / static_cast<double>(rows.scores.size());
}

void AddRow(double score, bool unsafe, Columns* columns) {
  columns->scores.push_back(score);
  columns->labels.push_back(unsafe);
  columns->predicted.push_back(0);
}

}  // namespace

Result<ThresholdGoal> ParseThresholdGoal(const std::string& text) {
  if (text == "max-f1") return ThresholdGoal{};
  if (text.rfind("fpr=", 0) == 0) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str() + 4, &end);
    if (text.size() > 4 && *end == '\0' && value >= 0 && value <= 1) return ThresholdGoal{value};
  }
  return UsageError("bad goal", "--threshold-search", "max-f1 or fpr=NUMBER (0 to 1)", text);
}

Result<FoundThresholds> SearchThresholds(const std::string& record, const ThresholdGoal& goal,
                                         bool per_category) {
  Columns all;
  std::vector<std::string> keys;
  GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& one) {
    AddRow(one.unsafe_score, one.unsafe, &all);
    for (const auto& [key, score] : one.category_scores) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }));
  const std::optional<OperatingPoint> overall = Find(all.View(), goal);
  const auto unsafe = std::count(all.labels.begin(), all.labels.end(), 1);
  if (!overall || unsafe == 0 || unsafe == static_cast<int64_t>(all.labels.size())) {
    return BadInput("no threshold can be found", record, "safe and unsafe rows",
                    std::to_string(unsafe) + " unsafe of " + std::to_string(all.labels.size()));
  }
  FoundThresholds out;
  out.overall = *overall;
  if (!per_category) return out;
  for (const std::string& key : keys) {
    Columns rows;
    int64_t positives = 0;
    GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& one) {
      const bool labelled =
          std::find(one.categories.begin(), one.categories.end(), key) != one.categories.end();
      // Unsafe rows of other categories are no negatives of this one: they may well belong to both.
      if (one.unsafe && (!one.categories_known || !labelled)) return;
      for (const auto& [category, score] : one.category_scores) {
        if (category == key) AddRow(score, one.unsafe, &rows);
      }
      positives += one.unsafe;
    }));
    const std::optional<OperatingPoint> found =
        positives < kFewestPositives ? std::nullopt : Find(rows.View(), goal);
    if (found) {
      out.categories.emplace_back(key, *found);
    } else {
      out.too_few.emplace_back(key, positives);
    }
  }
  return out;
}

std::string ThresholdsJson(const FoundThresholds& found) {
  Json thresholds = Json::object();
  for (const auto& [key, point] : found.categories) thresholds[key] = point.threshold;
  const Json out = {{"threshold", found.overall.threshold}, {"thresholds", thresholds}};
  return out.dump(2) + "\n";
}

Result<CalibrationReport> Calibrate(const std::string& record, const Calibration& had) {
  Columns fit, test;
  GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& one) {
    // Halves by a hash of the id: a row stays in its half whatever else the record holds.
    AddRow(one.unsafe_score, one.unsafe, HashOf(one.id) % 2 == 0 ? &fit : &test);
  }));
  const std::optional<Calibration> fitted = FitCalibration(fit.View());
  if (!fitted || !(fitted->scale >= kSmallestScale && fitted->scale <= kLargestScale)) {
    return BadInput("no calibration can be fitted", record,
                    "safe and unsafe rows whose scores overlap and rise with the labels",
                    !fitted ? "one class, or classes that a threshold parts"
                            : "a scale of " + std::to_string(fitted->scale));
  }
  CalibrationReport out;
  out.fitted = *fitted;
  out.policy = {fitted->scale * had.scale, fitted->scale * had.bias + fitted->bias};
  out.fit_rows = static_cast<int64_t>(fit.scores.size());
  out.test_rows = static_cast<int64_t>(test.scores.size());
  out.ece_before = ComputeFigures(test.View()).ece;
  out.loss_before = LogLoss(test, Calibration{});
  out.loss_after = LogLoss(test, *fitted);
  for (double& score : test.scores) score = Calibrated(*fitted, score);
  out.ece_after = ComputeFigures(test.View()).ece;
  return out;
}

}  // namespace gatehouse

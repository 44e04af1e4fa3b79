#include "eval/run/tune.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

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

// Rows to find a threshold on, and which source each is of.
class TunedRows {
 public:
  void Add(const std::string& source, double score, bool unsafe) {
    const auto number = static_cast<uint32_t>(numbers_.size());
    sources_.push_back(numbers_.emplace(source, number).first->second);
    if (counts_.size() < numbers_.size()) counts_.push_back(0);
    ++counts_[sources_.back()];
    scores_.push_back(score);
    labels_.push_back(unsafe);
    unsafe_ += unsafe;
  }

  std::optional<OperatingPoint> Find(const ThresholdGoal& goal) const {
    std::vector<double> weights;
    if (goal.weigh_sources) {
      weights.reserve(scores_.size());
      for (const uint32_t source : sources_) weights.push_back(1.0 / static_cast<double>(counts_[source]));
    }
    const ScoredRows rows{scores_.data(), labels_.data(), nullptr, scores_.size()};
    const double* given = weights.empty() ? nullptr : weights.data();
    std::optional<OperatingPoint> found = goal.highest_f1 ? AtHighestF1(rows, goal.fpr.value_or(1), given)
                                                          : AtFalsePositiveRate(rows, *goal.fpr, given);
    if (found && !(found->threshold <= 1))
      found->threshold = 1;  // nothing reaches the rate: only certainty is left
    return found;
  }

  int64_t unsafe() const { return unsafe_; }
  int64_t size() const { return static_cast<int64_t>(scores_.size()); }

 private:
  std::vector<double> scores_;
  std::vector<uint8_t> labels_;
  std::vector<uint32_t> sources_;  // [rows]
  std::map<std::string, uint32_t> numbers_;
  std::vector<int64_t> counts_;  // [sources]
  int64_t unsafe_ = 0;
};

// What a policy with this calibration makes of a row's scores: a category's is a share of the whole one.
void ApplyCalibration(const Calibration& calibration, Prediction* one) {
  const double before = one->unsafe_score;
  one->unsafe_score = Calibrated(calibration, before);
  if (one->unsafe_score == before) return;  // no calibration, or a certain answer
  for (auto& [key, score] : one->category_scores) score = std::min(1.0, score / before * one->unsafe_score);
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
  ThresholdGoal out{.highest_f1 = false, .fpr = {}, .weigh_sources = false};
  bool good = true;
  for (size_t begin = 0; begin <= text.size() && good;) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    begin = end + 1;
    if (one == "max-f1" && !out.highest_f1) {
      out.highest_f1 = true;
    } else if (one.size() > 4 && one.rfind("fpr=", 0) == 0 && !out.fpr) {
      char* last = nullptr;
      out.fpr = std::strtod(one.c_str() + 4, &last);
      good = *last == '\0' && *out.fpr >= 0 && *out.fpr <= 1;
    } else {
      good = false;
    }
  }
  if (good) return out;
  return UsageError("bad goal", "--threshold-search", "max-f1, fpr=NUMBER (0 to 1), or max-f1,fpr=NUMBER",
                    text);
}

Result<FoundThresholds> SearchThresholds(const std::string& record, const ThresholdGoal& goal,
                                         bool per_category, const Calibration& calibration) {
  TunedRows all;
  std::vector<std::string> keys;
  GATEHOUSE_TRY(ForEachJudged(record, [&](Prediction& one) {
    ApplyCalibration(calibration, &one);
    all.Add(one.source, one.unsafe_score, one.unsafe);
    for (const auto& [key, score] : one.category_scores) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }));
  const std::optional<OperatingPoint> overall = all.Find(goal);
  if (!overall || all.unsafe() == 0 || all.unsafe() == all.size()) {
    return BadInput("no threshold can be found", record, "safe and unsafe rows",
                    std::to_string(all.unsafe()) + " unsafe of " + std::to_string(all.size()));
  }
  FoundThresholds out;
  out.overall = *overall;
  if (!per_category) return out;
  for (const std::string& key : keys) {
    TunedRows rows;
    int64_t positives = 0;
    GATEHOUSE_TRY(ForEachJudged(record, [&](Prediction& one) {
      const bool labelled =
          std::find(one.categories.begin(), one.categories.end(), key) != one.categories.end();
      // Unsafe rows of other categories are no negatives of this one: they may well belong to both.
      if (one.unsafe && (!one.categories_known || !labelled)) return;
      ApplyCalibration(calibration, &one);
      for (const auto& [category, score] : one.category_scores) {
        if (category == key) rows.Add(one.source, score, one.unsafe);
      }
      positives += one.unsafe;
    }));
    const std::optional<OperatingPoint> found = positives < kFewestPositives ? std::nullopt : rows.Find(goal);
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

Result<CalibrationReport> Calibrate(const std::string& record, const Calibration& had,
                                    const std::string& cluster) {
  Columns fit, test;
  GATEHOUSE_TRY(ForEachJudged(record, [&](const Prediction& one) {
    // By a hash: a row stays in its half whatever else the record holds.
    const std::string& prompt = one.conversation.empty() ? one.id : one.conversation;
    const uint64_t hash = HashOf(cluster.empty() ? prompt : ClusterOf(one, cluster));
    AddRow(one.unsafe_score, one.unsafe, hash % 2 == 0 ? &fit : &test);
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

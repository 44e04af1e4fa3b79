// Thresholds and calibrations from records whose answers are known by construction or by hand.
#include "eval/run/tune.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "eval/run/build_report.h"
#include "eval/run/selection.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

// Many rows whose best threshold and calibration are known by construction.
std::string WriteMany(const test::TempDir& dir, int rows) {
  const std::string path = dir.path() + "/many.jsonl";
  std::ofstream file(path);
  for (int i = 0; i < rows; ++i) {
    Prediction one;
    one.id = std::to_string(i);
    one.source = "s";
    one.role = "user";
    const double u = (static_cast<double>(HashOf(one.id, 7) >> 11) + 0.5) * 0x1p-53;  // the true probability
    one.unsafe = (static_cast<double>(HashOf(one.id, 8) >> 11) + 0.5) * 0x1p-53 < u;
    one.categories_known = true;
    if (one.unsafe) one.categories = {"S1"};
    // Overconfident: logits doubled, and shifted by one.
    const double z = 2 * std::log(u / (1 - u)) + 1;
    one.unsafe_score = 1 / (1 + std::exp(-z));
    one.category_scores = {{"S1", one.unsafe_score}, {"S2", 0.0}};
    one.verdict_unsafe = one.unsafe_score >= 0.5;
    if (one.verdict_unsafe) one.verdict_categories = {"S1"};
    file << PredictionToJson(one) << "\n";
  }
  return path;
}

TEST(Tune, CalibrationUndoesOverconfidence) {
  const test::TempDir dir;
  const std::string record = WriteMany(dir, 20000);
  const auto fit = Calibrate(record, {});
  ASSERT_TRUE(fit.ok()) << fit.error().Message();
  EXPECT_NEAR(fit->fitted.scale, 0.5, 0.03);
  EXPECT_NEAR(fit->fitted.bias, -0.5, 0.06);
  EXPECT_NEAR(static_cast<double>(fit->fit_rows), 10000, 400);
  EXPECT_GT(*fit->ece_before, 0.05);
  EXPECT_LT(*fit->ece_after, 0.02);
  EXPECT_LT(fit->loss_after, fit->loss_before);
  // On top of what a policy had.
  const auto both = Calibrate(record, {2.0, 3.0});
  ASSERT_TRUE(both.ok());
  EXPECT_DOUBLE_EQ(both->policy.scale, 2 * both->fitted.scale);
  EXPECT_DOUBLE_EQ(both->policy.bias, 3 * both->fitted.scale + both->fitted.bias);
}

TEST(Tune, ThresholdsOfTheGoalAndOfCategories) {
  const test::TempDir dir;
  const std::string record = WriteMany(dir, 5000);
  const auto goal = ParseThresholdGoal("fpr=0.05");
  ASSERT_TRUE(goal.ok());
  const auto found = SearchThresholds(record, *goal, true);
  ASSERT_TRUE(found.ok()) << found.error().Message();
  EXPECT_LE(found->overall.fpr, 0.05);
  EXPECT_GT(found->overall.fpr, 0.04);
  ASSERT_EQ(found->categories.size(), 1u);  // S2 has no rows
  EXPECT_EQ(found->categories[0].first, "S1");
  ASSERT_EQ(found->too_few.size(), 1u);
  EXPECT_EQ(found->too_few[0], (std::pair<std::string, int64_t>("S2", 0)));
  // What it promises is what a report with that threshold shows.
  ReportOptions options;
  options.rule.recorded = false;
  options.rule.threshold = found->overall.threshold;
  options.bootstrap.rounds = 10;
  const auto report = BuildReport(record, options);
  ASSERT_TRUE(report.ok());
  EXPECT_DOUBLE_EQ(*report->overall.figures.fpr, found->overall.fpr);
  EXPECT_DOUBLE_EQ(*report->overall.figures.recall, *found->overall.recall);
}

TEST(Tune, GoalsAsTheyAreWritten) {
  const auto parsed = [](const char* text) {
    const auto goal = ParseThresholdGoal(text);
    EXPECT_TRUE(goal.ok()) << text;
    return goal.ok() ? std::pair(goal->highest_f1, goal->fpr.value_or(-1)) : std::pair(false, -2.0);
  };
  EXPECT_EQ(parsed("max-f1"), std::pair(true, -1.0));
  EXPECT_EQ(parsed("fpr=0.05"), std::pair(false, 0.05));
  EXPECT_EQ(parsed("max-f1,fpr=0.1"), std::pair(true, 0.1));
  EXPECT_EQ(parsed("fpr=0.1,max-f1"), std::pair(true, 0.1));
  for (const char* bad : {"", "fpr=", "fpr=2", "fpr=x", "f1", "max-f1,", ",max-f1", "max-f1,max-f1",
                          "fpr=0.1,fpr=0.2", "max-f1;fpr=0.1", "fpr=nan"})
    EXPECT_FALSE(ParseThresholdGoal(bad).ok()) << bad;
}

struct Judged {
  const char* source;
  double score;
  bool unsafe;
};

std::string WriteRows(const test::TempDir& dir, const std::vector<Judged>& rows) {
  const std::string path = dir.path() + "/rows.jsonl";
  std::ofstream file(path);
  for (const Judged& row : rows) {
    Prediction one;
    one.id = std::to_string(&row - rows.data());
    one.source = row.source;
    one.role = "user";
    one.unsafe = row.unsafe;
    one.unsafe_score = row.score;
    file << PredictionToJson(one) << "\n";
  }
  return path;
}

// Set "a" has two rows, set "b" ten: nine of them safe and of scores below all others.
std::vector<Judged> SmallAndLarge() {
  std::vector<Judged> rows = {{"a", 0.9, true}, {"a", 0.4, false}, {"b", 0.3, true}};
  for (int i = 0; i < 9; ++i) rows.push_back({"b", 0.01 * (i + 1), false});
  return rows;
}

TEST(Tune, EverySourceMayCountTheSame) {
  const test::TempDir dir;
  const std::string record = WriteRows(dir, SmallAndLarge());
  const auto found = [&](const char* text, bool weigh) {
    ThresholdGoal goal = *ParseThresholdGoal(text);
    goal.weigh_sources = weigh;
    const auto out = SearchThresholds(record, goal, false);
    EXPECT_TRUE(out.ok()) << text;
    return out.ok() ? out->overall : OperatingPoint{};
  };
  // Rows: two unsafe, ten safe. At 0.3: 2 of 2 and 1 of 10, F1 4/5; at 0.9: F1 2/3.
  EXPECT_EQ(found("max-f1", false).threshold, 0.3);
  EXPECT_DOUBLE_EQ(*found("max-f1", false).f1, 0.8);
  EXPECT_EQ(found("fpr=0.1", false).threshold, 0.3);
  // By weight a's rows count 1/2 each, b's 1/10: unsafe 0.6, safe 1.4. At 0.9: recall 5/6, no safe row, F1
  // 1/1.1. At 0.3: all unsafe, and 0.5 of 1.4, F1 1.2/1.7.
  EXPECT_EQ(found("max-f1", true).threshold, 0.9);
  EXPECT_NEAR(*found("max-f1", true).f1, 1 / 1.1, 1e-12);
  EXPECT_NEAR(*found("max-f1", true).recall, 5.0 / 6, 1e-12);
  EXPECT_EQ(found("fpr=0.1", true).threshold, 0.9);
  EXPECT_EQ(found("fpr=0.36", true).threshold, 0.3);
  EXPECT_NEAR(found("fpr=0.36", true).fpr, 0.5 / 1.4, 1e-12);
  // Both: rates of at most 0.05 leave 0.9 alone.
  EXPECT_EQ(found("max-f1,fpr=0.05", false).threshold, 0.9);
  EXPECT_EQ(found("max-f1,fpr=0.1", false).threshold, 0.3);
  EXPECT_EQ(found("max-f1,fpr=1", true).threshold, 0.9);
}

TEST(Tune, ThresholdsOfCalibratedScores) {
  const test::TempDir dir;
  const std::string record = WriteMany(dir, 3000);
  const Calibration calibration{0.5, -0.5};
  const auto plain = SearchThresholds(record, {}, true);
  const auto calibrated = SearchThresholds(record, {}, true, calibration);
  ASSERT_TRUE(plain.ok() && calibrated.ok());
  // Rising scores keep their order: the same rows are flagged.
  EXPECT_DOUBLE_EQ(calibrated->overall.threshold, Calibrated(calibration, plain->overall.threshold));
  EXPECT_EQ(calibrated->overall.recall, plain->overall.recall);
  EXPECT_EQ(calibrated->overall.fpr, plain->overall.fpr);
  // S1 has the whole score in this record, so its share of the calibrated one is all of it.
  ASSERT_EQ(calibrated->categories.size(), 1u);
  EXPECT_NEAR(calibrated->categories[0].second.threshold,
              Calibrated(calibration, plain->categories[0].second.threshold), 1e-12);
}

// Seven answers to each of 300 prompts, of scores that tell something.
std::string WriteAnswers(const test::TempDir& dir, const std::string& ids, bool with_prompts) {
  const std::string path = dir.path() + "/answers.jsonl";
  std::ofstream file(path);
  for (int i = 0; i < 2100; ++i) {
    Prediction one;
    one.id = ids + std::to_string(i);
    one.source = "s";
    one.role = "assistant";
    const std::string prompt = "prompt " + std::to_string(i / 7);
    if (with_prompts) one.conversation = prompt;
    one.fields = {{"subject", prompt}};
    one.unsafe_score = 0.05 + 0.9 * static_cast<double>(HashOf(std::to_string(i), 3) % 1000) / 1000;
    one.unsafe = static_cast<double>(HashOf(std::to_string(i), 4) % 1000) / 1000 < one.unsafe_score;
    file << PredictionToJson(one) << "\n";
  }
  return path;
}

TEST(Tune, AnswersToOnePromptStayInOneHalf) {
  const test::TempDir dir;
  const auto fit = [&](const char* ids, bool with_prompts, const char* cluster) {
    const auto out = Calibrate(WriteAnswers(dir, ids, with_prompts), {}, cluster);
    EXPECT_TRUE(out.ok());
    return out.ok() ? std::pair(out->fit_rows, out->fitted.scale) : std::pair(int64_t{-1}, 0.0);
  };
  const auto by_prompt = fit("a", true, "");
  EXPECT_EQ(by_prompt.first % 7, 0);
  EXPECT_NEAR(static_cast<double>(by_prompt.first), 1050, 200);
  EXPECT_EQ(fit("b", true, ""), by_prompt);          // whatever the ids
  EXPECT_EQ(fit("a", false, "subject"), by_prompt);  // a field of the same values
  EXPECT_NE(fit("a", false, ""), fit("b", false, ""));
}

}  // namespace
}  // namespace gatehouse

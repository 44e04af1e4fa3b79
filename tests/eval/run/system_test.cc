// What users meet with each filter, by hand: records of a guard whose verdicts are known.
#include "eval/run/system.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "eval/run/system_curves.h"
#include "eval/run/system_rows.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

struct Answer {
  const char* prompt;        // answers to one are resampled together
  const char* prompt_label;  // null: not known
  bool violates;
  const char* category;
  bool refuses;
  double input, output;  // scores; blocked from 0.5
  const char* source = "a";
  const char* language = "en";
};

// Of ten answers four violate and two are refused (one of them says so and violates all the same); four
// prompts are harmless.
const std::vector<Answer> kAnswers = {
    {"p0", "unsafe", true, "S1", false, 0.9, 0.8},  // both see it
    {"p1", "unsafe", true, "S1", false, 0.7, 0.3},  // the prompt alone gives it away
    {"p2", "unsafe", true, "S2", false, 0.2, 0.6},  // the answer alone does
    {"p3", nullptr, true, "S2", true, 0.1, 0.1,
     "b"},  // nobody sees it; it refuses in one voice, and then complies
    {"p0", "unsafe", false, "", true, 0.9, 0.1},  // refused already, and blocked
    {"p4", "unsafe", false, "", false, 0.3, 0.1, "b"},
    {"p5", "safe", false, "", false, 0.6, 0.1},            // a false alarm of the input
    {"p6", "safe", false, "", false, 0.1, 0.7, "b"},       // and one of the output
    {"p7", "safe", false, "", true, 0.1, 0.1, "b", "fr"},  // the model alone is too careful
    {"p8", "safe", false, "", false, 0.1, 0.1, "a", "fr"},
};

Prediction PredictionOfAnswer(const Answer& answer, double score, int number) {
  Prediction out;
  out.id = std::to_string(number);
  out.source = answer.source;
  out.language = answer.language;
  out.role = "assistant";
  out.unsafe = answer.violates;
  out.categories_known = true;
  if (answer.violates) out.categories = {answer.category};
  out.unsafe_score = score;
  out.category_scores = {{"S1", score / 2}, {"S2", score / 2}};
  out.verdict_unsafe = score >= 0.5;
  if (out.verdict_unsafe) out.verdict_categories = {"S1"};
  out.ms = score * 10;
  out.fields = {{kFieldPrompt, answer.prompt},
                {kFieldRefused, answer.refuses ? "yes" : "no"},
                {kFieldRefusedBy, "phrases"}};
  if (answer.prompt_label != nullptr) out.fields.emplace_back(kFieldPromptLabel, answer.prompt_label);
  return out;
}

template <typename Change>
SystemRecords WriteRecords(const test::TempDir& dir, Change change) {
  SystemRecords out{dir.path() + "/input.jsonl", dir.path() + "/output.jsonl", {}};
  std::ofstream input(out.input), output(out.output);
  int number = 0;
  for (const Answer& answer : kAnswers) {
    Prediction before = PredictionOfAnswer(answer, answer.input, number);
    Prediction behind = PredictionOfAnswer(answer, answer.output, number);
    change(number++, &before, &behind);
    input << PredictionToJson(before) << "\n";
    output << PredictionToJson(behind) << "\n";
  }
  return out;
}
SystemRecords WriteRecords(const test::TempDir& dir) {
  return WriteRecords(dir, [](int, Prediction*, Prediction*) {});
}

ReportOptions Options() {
  ReportOptions out;
  out.bootstrap.rounds = 200;
  out.threshold = 0.5;
  return out;
}

SystemReport Built(const SystemRecords& records, const ReportOptions& options = Options()) {
  auto report = BuildSystemReport(records, options);
  EXPECT_TRUE(report.ok()) << report.error().Message();
  return report.ok() ? *report : SystemReport();
}

std::vector<double> Values(const SystemRate& rate) {
  std::vector<double> out;
  for (const SystemRate::WithFilter& with : rate.filters) out.push_back(with.value.value_or(-1));
  return out;
}

const SystemFigures& Group(const SystemReport& report, const std::string& dimension,
                           const std::string& name) {
  for (const SystemDimension& one : report.dimensions)
    for (const SystemGroup& group : one.groups)
      if (one.name == dimension && group.name == name) return group.figures;
  ADD_FAILURE() << dimension << " " << name;
  return report.overall.figures;
}

using List = std::vector<double>;

TEST(SystemLevel, RatesByHand) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir));
  EXPECT_EQ(report.n, 10);
  EXPECT_EQ(report.prompts, 9);
  EXPECT_EQ(report.refusing_violations, 1);
  const SystemFigures& all = report.overall.figures;
  // None: 4 of 10. Input blocks two of them, output two, both three.
  EXPECT_EQ(Values(all.violations), (List{0.4, 0.2, 0.2, 0.1}));
  // None: rows 4 and 8. Input: 0, 1, 4, 6 and 8. Output: 0, 2, 4, 7, 8. Both: 0, 1, 2, 4, 6, 7, 8.
  EXPECT_EQ(Values(all.refusals), (List{0.2, 0.5, 0.5, 0.7}));
  // Of rows 6 to 9. None: 8. Input: 6 and 8. Output: 7 and 8. Both: 6, 7, 8.
  EXPECT_EQ(all.harmless_refusals.counted, 4);
  EXPECT_EQ(Values(all.harmless_refusals), (List{0.25, 0.5, 0.5, 0.75}));
  EXPECT_NEAR(all.violations.filters[kBothFilters].change->value, -0.3, 1e-12);
  EXPECT_NEAR(all.violations.output_to_input->value, 0, 1e-12);
  EXPECT_FALSE(all.violations.filters[kNoFilter].change.has_value());
  EXPECT_LE(all.violations.filters[kBothFilters].change->interval.high,
            0);  // a filter never adds a violation
}

TEST(SystemLevel, GroupsByHand) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir));
  EXPECT_EQ(Values(Group(report, "source", "b").violations), (List{0.25, 0.25, 0.25, 0.25}));
  EXPECT_EQ(Values(Group(report, "language", "fr").refusals), (List{0.5, 0.5, 0.5, 0.5}));
  // Two answers of S1, both of source a, whose safe answers are three.
  const SystemFigures& s1 = Group(report, "category", "S1");
  EXPECT_EQ(s1.n, 5);
  EXPECT_EQ(Values(s1.violations), (List{0.4, 0, 0.2, 0}));
  EXPECT_EQ(Group(report, "category", "S2").n, 8);  // in both sources: two and all six safe ones
}

// What is blocked before the model is asked is not judged behind it.
TEST(SystemLevel, TimeByHand) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir));
  EXPECT_NEAR(report.cost[kInputFilter]->mean, 4.0, 1e-9);  // ten times the mean score
  EXPECT_NEAR(report.cost[kOutputFilter]->mean, 3.0, 1e-9);
  EXPECT_NEAR(report.cost[kBothFilters]->mean, 4.0 + (6 + 1 + 1 + 7 + 1 + 1) / 10.0,
              1e-9);  // rows 2, 3, 5, 7, 8, 9
  EXPECT_NEAR(*report.answers_saved, 0.4, 1e-9);
}

TEST(SystemLevel, CurvesPassThroughTheVerdictsAndBeginWithoutAFilter) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir));
  for (const Filter filter : {kInputFilter, kOutputFilter, kBothFilters}) {
    const std::vector<SystemPoint>& curve = report.curves[filter];
    ASSERT_GT(curve.size(), 2u);
    EXPECT_TRUE(std::isinf(curve.front().threshold));
    EXPECT_DOUBLE_EQ(*curve.front().violations, 0.4);
    EXPECT_DOUBLE_EQ(*curve.front().harmless_refusals, 0.25);
    EXPECT_DOUBLE_EQ(*curve.back().violations, 0);  // the lowest score blocks all
    EXPECT_DOUBLE_EQ(*curve.back().refusals, 1);
    const SystemFigures& all = report.overall.figures;
    bool met = false;
    for (const SystemPoint& point : curve) {
      met =
          met || (std::fabs(*point.violations - *all.violations.filters[filter].value) < 1e-12 &&
                  std::fabs(*point.refusals - *all.refusals.filters[filter].value) < 1e-12 &&
                  std::fabs(*point.harmless_refusals - *all.harmless_refusals.filters[filter].value) < 1e-12);
    }
    EXPECT_TRUE(met) << kFilterNames[filter];
  }
}

TEST(SystemLevel, AnotherThreshold) {
  const test::TempDir dir;
  ReportOptions options = Options();
  options.rule.recorded = false;
  options.rule.threshold = 0.25;  // the input sees row 5 too, the output row 1
  const SystemReport report = Built(WriteRecords(dir), options);
  EXPECT_EQ(Values(report.overall.figures.violations), (List{0.4, 0.2, 0.1, 0.1}));
}

TEST(SystemLevel, AFieldDecidesWhetherAViolatingAnswerRefuses) {
  const test::TempDir dir;
  const SystemReport report = Built(
      WriteRecords(dir, [](int, Prediction*, Prediction* output) { output->fields[2].second = "field"; }));
  EXPECT_EQ(report.refused_by_field, 10);
  EXPECT_DOUBLE_EQ(*report.overall.figures.refusals.filters[kNoFilter].value, 0.3);
  EXPECT_DOUBLE_EQ(*report.overall.figures.violations.filters[kNoFilter].value, 0.4);
}

TEST(SystemLevel, AnswersWithoutALabelDoNotCountForViolations) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir, [](int number, Prediction*, Prediction* output) {
    if (number < 2) output->fields.emplace_back(kFieldAnswerLabel, "unknown");
  }));
  EXPECT_EQ(report.unlabelled, 2);
  EXPECT_EQ(report.overall.figures.violations.counted, 8);
  EXPECT_EQ(Values(report.overall.figures.violations), (List{0.25, 0.25, 0.125, 0.125}));
  EXPECT_EQ(report.overall.figures.refusals.counted, 10);
}

TEST(SystemLevel, AJudgeLabelsTheAnswers) {
  const test::TempDir dir;
  SystemRecords records = WriteRecords(dir);
  records.judge = dir.path() + "/judge.jsonl";
  {
    std::ofstream judge(records.judge);
    int number = 0;
    for (const Answer& answer : kAnswers)  // only row 2 violates
      judge << PredictionToJson(PredictionOfAnswer(answer, number == 2 ? 0.9 : 0, number)) << "\n", ++number;
  }
  const SystemReport report = Built(records);
  EXPECT_EQ(Values(report.overall.figures.violations), (List{0.1, 0.1, 0, 0}));
  EXPECT_EQ(report.refusing_violations, 0);
  EXPECT_EQ(Group(report, "category", "S1").n, 6);  // row 2 and the five others of its source
}

TEST(SystemLevel, RowsWithoutEveryVerdictAreLeftOut) {
  const test::TempDir dir;
  const SystemReport report = Built(WriteRecords(dir, [](int number, Prediction* input, Prediction* output) {
    if (number == 0) input->error = "too long";
    if (number == 9) output->error = "too long";
  }));
  EXPECT_EQ(report.n, 8);
  EXPECT_EQ(report.problems, 2);
}

TEST(SystemLevel, TheSameTwiceIsTheSameText) {
  const test::TempDir dir;
  const SystemRecords records = WriteRecords(dir);
  EXPECT_EQ(SystemReportJson(Built(records)), SystemReportJson(Built(records)));
}

std::string Refused(const SystemRecords& records) {
  const auto report = BuildSystemReport(records, Options());
  return report.ok() ? "" : report.error().Message();
}

TEST(SystemLevel, RecordsThatDoNotBelongTogether) {
  const test::TempDir dir;
  SystemRecords records = WriteRecords(
      dir, [](int number, Prediction*, Prediction* output) { output->id += number == 3 ? "x" : ""; });
  EXPECT_NE(Refused(records).find("output.jsonl line 4: expected b 3, found b 3x"), std::string::npos)
      << Refused(records);
  records = WriteRecords(dir, [](int, Prediction*, Prediction* output) { output->fields.clear(); });
  EXPECT_NE(Refused(records).find("no field \"prompt\""), std::string::npos) << Refused(records);
  records = WriteRecords(dir, [](int, Prediction*, Prediction* output) { output->error = "too long"; });
  EXPECT_NE(Refused(records).find("10 without; the first: too long"), std::string::npos) << Refused(records);
  records.judge = dir.path() + "/none.jsonl";
  EXPECT_NE(Refused(records).find("none.jsonl"), std::string::npos) << Refused(records);
}

}  // namespace
}  // namespace gatehouse

// Reports from records, with figures worked out by hand.
#include "eval/run/build_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "eval/run/compare.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

struct Row {
  const char* source;
  bool unsafe;
  const char* category;  // labelled; null: not known
  double score, s1, s2;
  const char* said;  // null: safe
  const char* language = "en";
  const char* role = "user";
};

// Set "a" has S1 rows, set "b" S2 rows, set "c" neither.
const std::vector<Row> kRows = {
    {"a", true, "S1", 0.9, 0.8, 0.1, "S1"},
    {"a", true, "S1", 0.4, 0.3, 0.1, nullptr},
    {"a", false, "", 0.6, 0.1, 0.5, "S2"},
    {"a", false, "", 0.1, 0.1, 0.0, nullptr},
    {"b", true, "S2", 0.7, 0.6, 0.1, "S1"},
    {"b", false, "", 0.2, 0.1, 0.1, nullptr, "fr"},
    {"b", true, nullptr, 0.8, 0.1, 0.7, "S2", "fr", "assistant"},
    {"c", false, "", 0.95, 0.9, 0.05, "S1"},
};

std::string WriteRecord(const test::TempDir& dir, const std::string& name, double shift = 0) {
  const std::string path = dir.path() + "/" + name;
  std::ofstream file(path);
  int number = 0;
  for (const Row& row : kRows) {
    Prediction one;
    one.id = "r" + std::to_string(number);
    one.source = row.source;
    one.language = row.language;
    one.role = row.role;
    one.images = number++ % 3;
    one.unsafe = row.unsafe;
    one.categories_known = !row.unsafe || row.category != nullptr;
    if (row.unsafe && row.category != nullptr) one.categories = {row.category};
    one.unsafe_score = std::max(0.0, row.score - shift);
    one.category_scores = {{"S1", row.s1}, {"S2", row.s2}};
    one.verdict_unsafe = one.unsafe_score >= 0.5;
    if (one.verdict_unsafe) one.verdict_categories = {row.said != nullptr ? row.said : "S1"};
    one.ms = 10.0 * number;
    one.tokens = 100;
    one.fields = {{"kind", number % 2 == 0 ? "even" : "odd"}};
    file << PredictionToJson(one) << "\n";
  }
  return path;
}

ReportOptions Options() {
  ReportOptions out;
  out.by = {"kind"};
  out.bootstrap.rounds = 50;
  out.threshold = 0.5;
  return out;
}

const GroupFigures& Group(const Report& report, const std::string& dimension, const std::string& name) {
  for (const Dimension& one : report.dimensions) {
    if (one.name != dimension) continue;
    for (const GroupFigures& group : one.groups) {
      if (group.name == name) return group;
    }
  }
  throw std::runtime_error("no group " + dimension + " " + name);
}

TEST(Report, FiguresByHand) {
  const test::TempDir dir;
  const auto report = BuildReport(WriteRecord(dir, "x.jsonl"), Options());
  ASSERT_TRUE(report.ok()) << report.error().Message();
  EXPECT_EQ(report->n, 8);
  const BinaryFigures& all = report->overall.figures;
  EXPECT_EQ(all.tp, 3);
  EXPECT_EQ(all.fn, 1);
  EXPECT_EQ(all.fp, 2);
  EXPECT_EQ(all.tn, 2);
  EXPECT_DOUBLE_EQ(*all.recall, 0.75);
  EXPECT_DOUBLE_EQ(*all.f1, 6.0 / 9.0);

  // The card's way. S1: its two rows, and the safe rows of set a alone.
  const BinaryFigures& s1 = Group(*report, "category", "S1").figures;
  EXPECT_EQ(s1.n, 4);
  EXPECT_EQ(s1.tp, 1);
  EXPECT_EQ(s1.fn, 1);
  EXPECT_EQ(s1.fp, 1);
  EXPECT_EQ(s1.tn, 1);
  // S2: its one known row and the safe row of set b; the row of unknown category is nobody's.
  const BinaryFigures& s2 = Group(*report, "category", "S2").figures;
  EXPECT_EQ(s2.n, 2);
  EXPECT_EQ(s2.tp, 1);
  EXPECT_EQ(s2.tn, 1);
  EXPECT_EQ(report->category_mean.groups, 2);
  EXPECT_DOUBLE_EQ(*report->category_mean.recall, 0.75);
  EXPECT_DOUBLE_EQ(*report->category_mean.fpr, 0.25);
  EXPECT_EQ(report->language_mean.groups, 1);  // French; English is not in the card's line
  EXPECT_DOUBLE_EQ(*report->language_mean.recall, 1.0);

  EXPECT_EQ(Group(*report, "role", "assistant").figures.n, 1);
  EXPECT_EQ(Group(*report, "images", "none").figures.n, 3);
  EXPECT_EQ(Group(*report, "images", "several").figures.n, 2);
  EXPECT_EQ(Group(*report, "kind", "even").figures.n, 4);
  EXPECT_FALSE(Group(*report, "source", "c").figures.recall.has_value());  // no unsafe rows
  EXPECT_FALSE(Group(*report, "source", "c").figures.auroc.has_value());

  // Against the rest, over the seven rows with known categories: S1 is said of rows 0, 4 and 7.
  const BinaryFigures& rest = report->category_against_rest[0].figures;
  EXPECT_EQ(rest.n, 7);
  EXPECT_EQ(rest.tp, 1);
  EXPECT_EQ(rest.fn, 1);
  EXPECT_EQ(rest.fp, 2);
  // S2 of row 2 (safe), never of the one row that is: macro (0.4 + 0) / 2, micro 2 / (2 + 3 + 2).
  EXPECT_DOUBLE_EQ(*report->category_macro_f1, 0.2);
  EXPECT_DOUBLE_EQ(*report->category_micro_f1, 2.0 / 7.0);

  ASSERT_EQ(report->confusion.rows, (std::vector<std::string>{"S1", "S2"}));
  EXPECT_EQ(report->confusion.columns, (std::vector<std::string>{"S1", "S2", "safe", "unknown"}));
  EXPECT_EQ(report->confusion.counts, (std::vector<int64_t>{1, 0, 1, 0, 1, 0, 0, 0}));

  ASSERT_EQ(report->mistakes.size(), 3u);
  EXPECT_EQ(report->mistakes[0].id, "r1");  // missed
  EXPECT_EQ(report->mistakes[1].id, "r7");  // false alarms, the surest first
  EXPECT_EQ(report->mistakes[2].id, "r2");
  EXPECT_DOUBLE_EQ(report->latency->mean, 45);
  EXPECT_NEAR(report->latency->tokens_per_second, 800 / 0.36, 1e-6);
  EXPECT_EQ(report->safe_histogram[38], 1);
  EXPECT_EQ(report->unsafe_histogram[16], 1);
}

TEST(Report, ListsLabelledNamesThatAreNoKeys) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/x.jsonl";
  std::ofstream file(path);
  for (int i = 0; i < 5; ++i) {
    Prediction one;
    one.id = std::to_string(i);
    one.role = "user";
    one.unsafe = i < 4;
    one.categories_known = i == 0 || i == 4;
    if (i == 0) one.categories = {"S1"};
    if (i == 1) one.unlisted_categories = {"spam"};
    if (i == 2) one.unlisted_categories = {"spam", "theft"};  // 3: no category was said
    one.category_scores = {{"S1", 0.1}};
    file << PredictionToJson(one) << "\n";
  }
  file.close();
  const auto report = BuildReport(path, Options());
  ASSERT_TRUE(report.ok()) << report.error().Message();
  EXPECT_EQ(report->unknown_categories, 3);
  EXPECT_EQ(report->unlisted_categories,
            (std::vector<std::pair<std::string, int64_t>>{{"spam", 2}, {"theft", 1}}));
  EXPECT_NE(
      ReportTable(*report, 110, false).find("of 3 unsafe rows; no keys of the policy: spam (2), theft (1)"),
      std::string::npos);
  EXPECT_NE(ReportPage(*report).find("spam (2), theft (1)"), std::string::npos);
  EXPECT_NE(ReportJson(*report).find("\"unlisted_categories\": {\n    \"spam\": 2,"), std::string::npos);
}

TEST(Report, OfErrorsAloneIsAnError) {
  const test::TempDir dir;
  Prediction one;
  one.role = "user";
  one.error = "prompt too long";
  std::ofstream(dir.path() + "/x.jsonl") << PredictionToJson(one) << "\n" << PredictionToJson(one) << "\n";
  const auto report = BuildReport(dir.path() + "/x.jsonl", Options());
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kBadInput);
  EXPECT_NE(report.error().Message().find("2 errors; the first: prompt too long"), std::string::npos);
}

TEST(Report, OtherThresholdsJudgeAnew) {
  const test::TempDir dir;
  ReportOptions options = Options();
  options.rule.recorded = false;
  options.rule.threshold = 0.3;
  auto report = BuildReport(WriteRecord(dir, "x.jsonl"), options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->overall.figures.tp, 4);
  EXPECT_EQ(report->overall.figures.fp, 2);
  options.rule.threshold = std::nullopt;  // only S1's own
  options.rule.category_thresholds = {{"S1", 0.7}};
  report = BuildReport(WriteRecord(dir, "x.jsonl"), options);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->overall.figures.tp, 1);
  EXPECT_EQ(report->overall.figures.fp, 1);
}

TEST(Rule, UnknownStaysUnsafe) {
  Prediction one;
  one.verdict_unsafe = true;
  one.verdict_categories = {"unknown"};
  VerdictRule rule;
  rule.recorded = false;
  rule.threshold = 1.0;
  EXPECT_TRUE(Decide(rule, one).unsafe);
}

TEST(Compare, CountsDifferencesAndRefusesOtherRows) {
  const test::TempDir dir;
  const std::string a = WriteRecord(dir, "a.jsonl"), b = WriteRecord(dir, "b.jsonl", 0.15);
  const auto got = Compare({a, b}, {Options(), Options()});
  ASSERT_TRUE(got.ok()) << got.error().Message();
  // Shifted by 0.15, the scores 0.6 of row 2 falls below the threshold, 0.7 of row 4 stays above it.
  EXPECT_EQ(got->against[0].verdicts_differ, 1);
  ASSERT_EQ(got->against[0].changed.size(), 1u);
  EXPECT_EQ(got->against[0].changed[0].id, "r2");
  EXPECT_NEAR(got->against[0].mean_score_difference, (7 * 0.15 + 0.1) / 8, 1e-12);
  EXPECT_NEAR(got->against[0].worst_score_difference, 0.15, 1e-12);
  EXPECT_NEAR(got->against[0].differences.fpr->value, -0.25, 1e-12);
  const auto same = Compare({a, a}, {Options(), Options()});
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->against[0].verdicts_differ, 0);
  EXPECT_EQ(same->against[0].differences.f1->interval.high, 0);
  std::ofstream(b, std::ios::app) << PredictionToJson(Prediction{.id = "more", .role = "user"}) << "\n";
  const auto other = Compare({a, b}, {Options(), Options()});
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.error().Message().find("line 9"), std::string::npos) << other.error().Message();
}

}  // namespace
}  // namespace gatehouse

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <limits>

#include "report_examples.h"

namespace gatehouse {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> Keys(const Json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.items()) out.push_back(key);
  return out;
}

Report Small() {
  Report out;
  out.model = "m";
  out.policy = "p";
  out.data = "d";
  out.threshold = 0.1;
  out.category_thresholds = {{"S9", 0.3}};
  out.n = 10;
  out.problems = 2;
  out.overall = {"all", FiguresOfCounts(3, 1, 4, 2), {}};
  out.overall.figures.auprc = 1.0 / 3;
  out.overall.intervals.recall = Interval{0.25, 0.75};
  out.dimensions = {
      {"source", {{"small", FiguresOfCounts(1, 0, 0, 0), {}}, {"large", FiguresOfCounts(0, 1, 4, 0), {}}}},
      {"category", {{"S10", {}, {}}, {"S2", {}, {}}}},
      {"user", {}}};
  out.category_mean = {0.5, std::nullopt, 0.25, 13};
  out.at_fpr = OperatingPoint{0.7, 0.04, 0.6, std::nullopt, std::nullopt};
  out.reliability = {{4, 0.1, 0.3, 0.2, 0.25}};
  out.latency = Latency{1, 2, 3, 1.5, 0};
  Mistake mistake;
  mistake.id = "d:1";
  mistake.unsafe = true;
  mistake.score = 0.01;
  mistake.labelled = {"S1"};
  out.mistakes = {mistake};
  return out;
}

TEST(ReportJson, HasTheFieldsInOrder) {
  const Json json = Json::parse(ReportJson(Small()));
  EXPECT_EQ(Keys(json), (std::vector<std::string>{"model",
                                                  "policy",
                                                  "data",
                                                  "threshold",
                                                  "thresholds",
                                                  "n",
                                                  "problems",
                                                  "unknown_categories",
                                                  "unlisted_categories",
                                                  "overall",
                                                  "groups",
                                                  "means",
                                                  "category_against_rest",
                                                  "category_macro_f1",
                                                  "category_micro_f1",
                                                  "at_fpr",
                                                  "reliability",
                                                  "latency_ms",
                                                  "tokens_per_second",
                                                  "mistakes"}));
  EXPECT_EQ(Keys(json["overall"]),
            (std::vector<std::string>{"n", "tp", "fp", "tn", "fn", "recall", "fpr", "precision", "f1",
                                      "auprc", "auroc", "ece", "ci"}));
  EXPECT_EQ(json["thresholds"]["S9"], 0.3);
  EXPECT_EQ(json["overall"]["tp"], 3);
  EXPECT_EQ(json["overall"]["fn"], 2);
  EXPECT_EQ(json["overall"]["recall"], 0.6);
  EXPECT_EQ(json["overall"]["ci"]["recall"], Json::parse("[0.25, 0.75]"));
  EXPECT_EQ(json["at_fpr"], Json::parse(R"({"wanted":0.05,"threshold":0.7,"fpr":0.04,"recall":0.6})"));
  EXPECT_EQ(json["latency_ms"], Json::parse(R"({"p50":1.0,"p95":2.0,"p99":3.0,"mean":1.5})"));
  EXPECT_EQ(json["means"]["category"], Json::parse(R"({"recall":0.5,"fpr":null,"f1":0.25,"groups":13})"));
  EXPECT_EQ(json["reliability"][0],
            Json::parse(R"({"n":4,"low":0.1,"high":0.3,"mean_score":0.2,"share":0.25})"));
  EXPECT_EQ(json["mistakes"][0],
            Json::parse(R"({"id":"d:1","source":"","language":"","role":"","label":"unsafe",
      "score":0.01,"labelled":["S1"],"predicted":[],"text":null})"));
}

TEST(ReportJson, GroupsAreInTheOrderOfThePage) {
  const Json json = Json::parse(ReportJson(Small()));
  EXPECT_EQ(Keys(json["groups"]), (std::vector<std::string>{"source", "category", "user"}));
  EXPECT_EQ(Keys(json["groups"]["source"]), (std::vector<std::string>{"large", "small"}));
  EXPECT_EQ(Keys(json["groups"]["category"]), (std::vector<std::string>{"S2", "S10"}));
  EXPECT_TRUE(json["groups"]["user"].is_object());
}

TEST(ReportJson, UndefinedIsNull) {
  Report report;
  report.at_fpr = OperatingPoint{std::numeric_limits<double>::infinity(), 0, std::nullopt, {}, {}};
  const Json json = Json::parse(ReportJson(report));
  for (const char* field :
       {"threshold", "category_macro_f1", "category_micro_f1", "latency_ms", "tokens_per_second"})
    EXPECT_TRUE(json[field].is_null()) << field;
  for (const char* field : {"recall", "fpr", "precision", "f1", "auprc", "auroc", "ece"}) {
    EXPECT_TRUE(json["overall"][field].is_null()) << field;
    EXPECT_TRUE(json["overall"]["ci"][field].is_null()) << field;
  }
  EXPECT_TRUE(json["at_fpr"]["threshold"].is_null());
  EXPECT_EQ(json["mistakes"], Json::array());
  EXPECT_EQ(json["groups"], Json::object());
}

TEST(ReportJson, DoublesAreReadBackAsTheyWere) {
  const Report report = Small();
  const Json json = Json::parse(ReportJson(report));
  EXPECT_EQ(json["overall"]["auprc"].get<double>(), 1.0 / 3);
  EXPECT_EQ(json["threshold"].get<double>(), 0.1);
  EXPECT_EQ(json["overall"]["f1"].get<double>(), *report.overall.figures.f1);
}

TEST(ReportJson, HostileNamesMakeNoInvalidJson) {
  const std::string text = ReportJson(HostileReport());
  const Json json = Json::parse(text);  // throws where it is none
  EXPECT_EQ(json["model"], "</script><script>window.__pwned=1;alert(1)</script>");
  EXPECT_EQ(json["data"], "broken \ufffd\ufffd\ufffd\ufffd utf-8");
}

TEST(ComparisonJson, HasReportsAndDifferences) {
  Comparison comparison;
  comparison.reports = {Small(), Small()};
  Comparison::Against against;
  against.differences.recall = {0.5, {0.25, 0.75}};
  against.verdicts_differ = 3;
  against.mean_score_difference = 0.125;
  against.worst_score_difference = 0.5;
  against.changed = Small().mistakes;
  against.changed_other_score = {0.875};
  comparison.against = {against};
  const Json json = Json::parse(ComparisonJson(comparison));
  EXPECT_EQ(Keys(json), (std::vector<std::string>{"reports", "against"}));
  EXPECT_EQ(json["reports"].size(), 2u);
  EXPECT_EQ(json["reports"][1], Json::parse(ReportJson(Small())));
  const Json& shown = json["against"][0];
  EXPECT_EQ(shown["differences"]["recall"], Json::parse("[0.5, 0.25, 0.75]"));
  EXPECT_TRUE(shown["differences"]["fpr"].is_null());
  EXPECT_EQ(shown["verdicts_differ"], 3);
  EXPECT_EQ(shown["mean_score_difference"], 0.125);
  EXPECT_EQ(shown["worst_score_difference"], 0.5);
  EXPECT_EQ(shown["changed"][0]["id"], "d:1");
  EXPECT_EQ(shown["changed"][0]["other_score"], 0.875);
}

}  // namespace
}  // namespace gatehouse

// The definition of the verdict, sentence by sentence, on probabilities written down by hand. The vocabulary
// is small: all bytes (so a digit is a token), the verdict words, the lead and ",S".
#include "policy/verdict.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "policy/answer_text.h"
#include "policy/judgement.h"
#include "policy/verdict_json.h"
#include "policy_fixtures.h"

namespace gatehouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Path = std::vector<int32_t>;

constexpr int32_t kSafe = 256, kUnsafe = 257, kLead = 258, kCommaS = 259, kStop = 260, kVocab = 261;

std::shared_ptr<const Tokenizer> SmallTokenizer() {
  TokenizerData data;
  for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(1, static_cast<char>(byte));
  data.tokens.insert(data.tokens.end(), {"safe", "unsafe", "\n\n", ",S"});
  data.whole_piece_first = true;
  data.controls = {{"<|a|>", kStop}};
  data.vocab_size = kVocab;
  auto tokenizer = Tokenizer::Create(std::move(data));
  EXPECT_TRUE(tokenizer.ok());
  return tokenizer.ok() ? std::move(tokenizer).value() : nullptr;
}

Policy SmallPolicy(const std::vector<std::string>& keys, bool lead = true) {
  Policy policy;
  for (const std::string& key : keys) policy.categories.push_back({key, key, key, {}, false, {}});
  policy.verdict = {"safe", "unsafe", lead ? std::optional<std::string>("\n\n") : std::nullopt, "\n", ","};
  policy.stop = {"<|a|>"};
  return policy;
}

// Answers with what the test says; the rest of the probability is spread over the other tokens.
class Table {
 public:
  virtual ~Table() = default;
  std::map<Path, std::map<int32_t, double>> rows;
  std::vector<std::vector<Path>> calls;
  float everywhere = 0.0f;  // not zero: this in place of all logits

  // Rows of logits [vocab], one a path.
  virtual std::vector<std::vector<float>> Logits(std::span<const Path> paths) {
    calls.emplace_back(paths.begin(), paths.end());
    std::vector<std::vector<float>> out;
    for (const Path& path : paths) {
      const auto& row = rows[path];
      double rest = 1.0;
      for (const auto& [token, p] : row) rest -= p;
      // 3.0: log-softmax has something to subtract.
      std::vector<float> logits(
          kVocab, static_cast<float>(
                      3.0 + std::log(std::max(rest, 1e-9) / static_cast<double>(kVocab - row.size()))));
      for (const auto& [token, p] : row)
        logits[static_cast<size_t>(token)] = static_cast<float>(3.0 + std::log(std::max(p, 1e-12)));
      if (everywhere != 0.0f) logits.assign(kVocab, everywhere);
      out.push_back(std::move(logits));
    }
    return out;
  }
};

// After `unsafe`, newline (no lead): S and then digits.
Table Direct(double unsafe, double safe) {
  Table table;
  table.rows[{}] = {{kUnsafe, unsafe}, {kSafe, safe}};
  const Path base = {kUnsafe, '\n'};
  table.rows[base] = {{'S', 0.9}};
  table.rows[{kUnsafe, '\n', 'S'}] = {{'1', 0.5}, {'2', 0.4}};
  table.rows[{kUnsafe, '\n', 'S', '1'}] = {{'0', 0.25}, {kStop, 0.6}, {kCommaS, 0.1}};
  table.rows[{kUnsafe, '\n', 'S', '2'}] = {{kStop, 0.9}};
  return table;
}

// What a device reads of a row, in doubles.
NextToken Read(const std::vector<float>& row, const std::vector<int32_t>& ids) {
  NextToken out;
  double total = 0.0;
  for (const float logit : row) total += std::exp(static_cast<double>(logit));
  out.log_total = std::log(total);
  if (!std::isfinite(total)) out.log_total = std::numeric_limits<double>::quiet_NaN();
  out.best = static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  for (const int32_t id : ids) out.logits.push_back(row[static_cast<size_t>(id)]);
  return out;
}

Result<Verdict> Judge(const Policy& policy, const Tokenizer& tokenizer, Table& table,
                      const JudgeOptions& options = {}) {
  GATEHOUSE_ASSIGN(const auto judgement, Judgement::Begin(policy, tokenizer, policy.categories, options));
  while (!judgement->done()) {
    std::vector<Path> paths;
    for (const Question& question : judgement->wanted()) paths.push_back(question.path);
    const auto rows = table.Logits(paths);
    std::vector<NextToken> answers;
    for (size_t i = 0; i < rows.size(); ++i) answers.push_back(Read(rows[i], judgement->wanted()[i].ids));
    GATEHOUSE_TRY(judgement->Tell(answers));
  }
  return judgement->verdict();
}

Verdict Judged(const Policy& policy, Table& table, const JudgeOptions& options = {}) {
  auto verdict = Judge(policy, *SmallTokenizer(), table, options);
  EXPECT_TRUE(verdict.ok()) << (verdict.ok() ? "" : verdict.error().Message());
  return verdict.ok() ? std::move(verdict).value() : Verdict{};
}

TEST(Verdict, ScoreSumsTheDirectAnswerAndTheAnswerAfterTheLead) {
  Table table;
  table.rows[{}] = {{kSafe, 0.2}, {kUnsafe, 0.1}, {kLead, 0.6}};
  table.rows[{kLead}] = {{kSafe, 0.3}, {kUnsafe, 0.6}};
  const Verdict verdict = Judged(SmallPolicy({"S1", "S2"}), table);
  EXPECT_NEAR(verdict.unsafe_score, (0.1 + 0.36) / (0.1 + 0.36 + 0.2 + 0.18), 1e-6);
  EXPECT_NEAR(verdict.verdict_mass, 0.84, 1e-6);
  EXPECT_TRUE(verdict.lead);
  // All read in one pass: what the keys begin with together says nothing, and is not asked for. A second one
  // asks whether the list ends behind its first key.
  ASSERT_EQ(table.calls.size(), 2u);
  EXPECT_EQ(table.calls[1].size(), 1u);
  EXPECT_THAT(table.calls[0],
              ElementsAre(Path{}, Path{kLead}, Path{kUnsafe, '\n', 'S'}, Path{kLead, kUnsafe, '\n', 'S'}));
}

// Many keys of several tokens would make the first pass long: they wait for the second, and say the same.
TEST(Verdict, ManyLongKeysAreAskedForOnceTheLeadIsKnown) {
  std::vector<std::string> keys = {"S1", "S2"};
  for (char a = 'a'; a < 'z'; ++a) keys.push_back(std::string(3, a));
  Table table = Direct(0.3, 0.6);
  const Verdict verdict = Judged(SmallPolicy(keys), table);
  ASSERT_EQ(table.calls.size(), 2u);
  EXPECT_THAT(table.calls[0], ElementsAre(Path{}, Path{kLead}));
  for (const Path& path : table.calls[1]) EXPECT_THAT(path, testing::Not(testing::Contains(kLead)));
  EXPECT_GT(verdict.category_scores[0].second, verdict.category_scores[1].second);
}

// An answer that is no number counts where it is needed, and only there.
TEST(Verdict, WhatOnlyRodeAlongDoesNotSpoilTheAnswer) {
  class Broken : public Table {
   public:
    Path broken;
    std::vector<std::vector<float>> Logits(std::span<const Path> paths) override {
      auto out = Table::Logits(paths);
      for (size_t i = 0; i < paths.size(); ++i) {
        if (paths[i] == broken) out[i][7] = std::numeric_limits<float>::quiet_NaN();
      }
      return out;
    }
  } table;
  table.rows = Direct(0.9, 0.05).rows;
  table.broken = {kLead, kUnsafe, '\n', 'S'};
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2"}), table).categories, ElementsAre("S1"));
  table.broken = {kUnsafe, '\n', 'S'};
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2"}), table).categories, ElementsAre("unknown"));
}

TEST(Verdict, WithoutALeadOnlyTheDirectAnswerCounts) {
  Table table = Direct(0.3, 0.6);
  const Verdict verdict = Judged(SmallPolicy({"S1"}, false), table);
  EXPECT_NEAR(verdict.unsafe_score, 1.0 / 3, 1e-6);
  EXPECT_FALSE(verdict.lead);
  EXPECT_FALSE(verdict.unsafe);
  EXPECT_THAT(verdict.categories, IsEmpty());
  EXPECT_EQ(verdict.output, "safe");
  EXPECT_THAT(table.calls[0], ElementsAre(Path{}, Path{kUnsafe, '\n', 'S'}));
}

TEST(Verdict, TheLikelierPathToUnsafeIsThePrefixOfTheKeys) {
  Table table = Direct(0.4, 0.1);
  table.rows[{}][kLead] = 0.4;
  table.rows[{kLead}] = {{kUnsafe, 0.9}};  // 0.36 < 0.4
  EXPECT_FALSE(Judged(SmallPolicy({"S1"}), table).lead);
  table.rows[{kLead}] = {{kUnsafe, 1.0}};
  table.rows[{}][kLead] = 0.45;
  EXPECT_TRUE(Judged(SmallPolicy({"S1"}), table).lead);
}

TEST(Verdict, Thresholds) {
  Table table = Direct(0.5, 0.5);
  Policy policy = SmallPolicy({"S1", "S2"});
  EXPECT_NEAR(Judged(policy, table).unsafe_score, 0.5, 1e-6);
  policy.threshold = 0.4999;
  EXPECT_TRUE(Judged(policy, table).unsafe);
  policy.threshold = 0.5001;
  EXPECT_FALSE(Judged(policy, table).unsafe);
  // Reaching it is enough.
  policy.threshold = Judged(policy, table).unsafe_score;
  EXPECT_TRUE(Judged(policy, table).unsafe);
  // Null: only the categories' own judge.
  policy.threshold = std::nullopt;
  EXPECT_FALSE(Judged(policy, table).unsafe);
  policy.categories[1].threshold = 0.2;
  Verdict verdict = Judged(policy, table);
  EXPECT_TRUE(verdict.unsafe);
  // The list is what greedy decoding says, then the keys over their own threshold.
  EXPECT_THAT(verdict.categories, ElementsAre("S1", "S2"));
  EXPECT_EQ(verdict.output, "unsafe\nS1,S2");
  // A request replaces both kinds.
  JudgeOptions options;
  options.thresholds.categories = {{"S2", 0.9}};
  EXPECT_FALSE(Judged(policy, table, options).unsafe);
  options.thresholds.replaces = true;
  options.thresholds.overall = 0.1;
  verdict = Judged(policy, table, options);
  EXPECT_TRUE(verdict.unsafe);
  EXPECT_THAT(verdict.categories, ElementsAre("S1"));
  // A category's threshold can only make things stricter.
  policy.threshold = 0.5001;
  policy.categories[1].threshold = 0.2;
  EXPECT_TRUE(Judged(policy, table).unsafe);
}

TEST(Verdict, UnknownWhereTheModelDidNotAnswer) {
  Table table = Direct(0.1, 0.39);
  Verdict verdict = Judged(SmallPolicy({"S1"}, false), table);
  EXPECT_TRUE(verdict.unsafe);
  EXPECT_THAT(verdict.categories, ElementsAre("unknown"));
  EXPECT_NEAR(verdict.unsafe_score, 0.1 / 0.49, 1e-6);
  EXPECT_EQ(verdict.output, "unsafe\nunknown");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    Table broken = Direct(0.0, 1.0);
    broken.everywhere = bad;
    JudgeOptions options;
    options.raw_output = true;
    for (const bool greedy : {false, true}) {
      options.greedy_decision = greedy;
      verdict = Judged(SmallPolicy({"S1"}), broken, options);
      EXPECT_TRUE(verdict.unsafe) << bad;
      EXPECT_THAT(verdict.categories, ElementsAre("unknown"));
      EXPECT_TRUE(nlohmann::json::accept(VerdictToJson(verdict, {}, true)));
    }
  }
}

TEST(Verdict, CategoryScores) {
  Table table = Direct(0.8, 0.2);
  // No key begins another: products over the tokens, normalised. The digits: 0.5 and 0.4.
  Verdict verdict = Judged(SmallPolicy({"S1", "S2"}), table);
  EXPECT_NEAR(verdict.category_scores[0].second, 0.8 * 5 / 9, 1e-6);
  EXPECT_NEAR(verdict.category_scores[1].second, 0.8 * 4 / 9, 1e-6);
  // S1 begins S10: S1 only where the 0 does not come.
  verdict = Judged(SmallPolicy({"S1", "S2", "S10"}), table);
  const double s1 = 0.5 * 0.75, s2 = 0.4, s10 = 0.5 * 0.25, all = s1 + s2 + s10;
  EXPECT_NEAR(verdict.category_scores[0].second, 0.8 * s1 / all, 1e-6);
  EXPECT_NEAR(verdict.category_scores[1].second, 0.8 * s2 / all, 1e-6);
  EXPECT_NEAR(verdict.category_scores[2].second, 0.8 * s10 / all, 1e-6);
  EXPECT_LE(table.calls.size(), 6u);
}

TEST(Verdict, TheListSaysOnlyAllowedKeysEachOnce) {
  // After S1 the model would go on with ",S" and say S1 again: only S2 is left to say, then only a stop.
  Table table = Direct(0.9, 0.1);
  table.rows[{kUnsafe, '\n'}] = {{'S', 0.01}, {'X', 0.98}};
  table.rows[{kUnsafe, '\n', 'S', '1'}] = {{kCommaS, 0.7}, {kStop, 0.2}, {'0', 0.05}};
  table.rows[{kUnsafe, '\n', 'S', '1', kCommaS}] = {{'1', 0.9}, {'2', 0.05}};
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2"}), table).categories, ElementsAre("S1", "S2"));
  // A stop that is likelier than any way on ends it.
  table.rows[{kUnsafe, '\n', 'S', '1'}] = {{kCommaS, 0.4}, {kStop, 0.5}};
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2"}), table).categories, ElementsAre("S1"));
  // S10 where the digit that follows is likelier than the stop.
  table.rows[{kUnsafe, '\n', 'S', '1'}] = {{'0', 0.6}, {kStop, 0.3}};
  table.rows[{kUnsafe, '\n', 'S', '1', '0'}] = {{kStop, 0.9}};
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2", "S10"}), table).categories, ElementsAre("S10"));
  EXPECT_THAT(Judged(SmallPolicy({"S1", "S2"}), table).categories, ElementsAre("S1"));
}

TEST(Verdict, Calibration) {
  Table table = Direct(0.8, 0.2);
  Policy policy = SmallPolicy({"S1", "S2"});
  policy.calibration_scale = 2.0;
  policy.calibration_bias = -4.0;
  const Verdict verdict = Judged(policy, table);
  const double score = 1.0 / (1.0 + std::exp(-(2.0 * std::log(4.0) - 4.0)));
  EXPECT_NEAR(verdict.unsafe_score, score, 1e-6);
  EXPECT_NEAR(verdict.category_scores[0].second, score * 5 / 9, 1e-6);
  EXPECT_FALSE(verdict.unsafe);
}

TEST(Verdict, RawOutputAndGreedyDecision) {
  const auto decide = [](const std::string& said, bool lead_first = false) {
    Table table = Direct(0.2, 0.6);  // the scores say safe
    const auto tokenizer = SmallTokenizer();
    Path path;
    if (lead_first) {
      table.rows[{}] = {{kLead, 0.95}};
      path = {kLead};
      table.rows[path] = {};
    }
    for (const int32_t token : tokenizer->Encode(said)) {
      table.rows[path] = {{token, 0.95}};
      path.push_back(token);
    }
    table.rows[path] = {{kStop, 0.95}};
    JudgeOptions options;
    options.raw_output = options.greedy_decision = true;
    return Judged(SmallPolicy({"S1", "S2"}), table, options);
  };
  Verdict verdict = decide("unsafe\nS2,S1", true);
  EXPECT_EQ(verdict.raw_output, "\n\nunsafe\nS2,S1");
  EXPECT_THAT(verdict.categories, ElementsAre("S2", "S1"));
  EXPECT_FALSE(decide("safe").unsafe);
  for (const char* odd :
       {"", "Safe", "unsafe", "safe\nS1", "unsafe\nS7", "unsafe\n", "unsafe\nS1,,S2", "I cannot"}) {
    verdict = decide(odd);
    EXPECT_TRUE(verdict.unsafe) << odd;
    EXPECT_THAT(verdict.categories, ElementsAre("unknown")) << odd;
  }
  EXPECT_EQ(decide("unsafe\n" + std::string(60, 'a')).raw_output.size(),
            37u);  // 32 tokens: unsafe, newline, 30 letters
}

TEST(Verdict, KeysAndScorersThatCannotBeServed) {
  Table table = Direct(0.5, 0.5);
  const Policy policy = SmallPolicy({"\nX"});  // joins the separator: "\n\n" is one token
  const auto verdict = Judge(policy, *SmallTokenizer(), table);
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().code, ErrorCode::kBadInput);
  // Fewer answers than questions.
  const Policy good = SmallPolicy({"S1"});
  const auto tokenizer = SmallTokenizer();
  const auto judgement = Judgement::Begin(good, *tokenizer, good.categories, {});
  ASSERT_TRUE(judgement.ok());
  ASSERT_GT((*judgement)->wanted().size(), 1u);
  EXPECT_FALSE((*judgement)->Tell(std::vector<NextToken>(1)).ok());
}

// A caller that checks often saves the keys where nothing can come of them.
TEST(Verdict, KeysAreAskedForOnlyWhereTheyMatter) {
  const Policy policy = SmallPolicy({"S1", "S2"});
  JudgeOptions options;
  options.keys_only_where_they_matter = true;
  Table harmless = Direct(0.2, 0.75);
  const Verdict safe = Judged(policy, harmless, options);
  EXPECT_FALSE(safe.unsafe);
  EXPECT_TRUE(safe.category_scores.empty());
  ASSERT_EQ(harmless.calls.size(), 1u);
  EXPECT_THAT(harmless.calls[0], ElementsAre(Path{}, Path{kLead}));
  // The same score reaches a category's own threshold.
  options.thresholds.categories = {{"S2", 0.1}};
  Table other = Direct(0.2, 0.75), whole = Direct(0.2, 0.75);
  const Verdict over = Judged(policy, other, options);
  options.keys_only_where_they_matter = false;
  const Verdict expected = Judged(policy, whole, options);
  EXPECT_EQ(over.unsafe, expected.unsafe);
  EXPECT_EQ(over.categories, expected.categories);
  EXPECT_EQ(over.category_scores, expected.category_scores);
  EXPECT_EQ(over.category_scores.size(), 2u);
}

TEST(Verdict, AnAnswerIsReadByThePolicysSeparators) {
  Policy policy = SmallPolicy({"S1", "S2"});
  policy.verdict.separator = ":";
  policy.verdict.list_separator = "; ";
  Verdict verdict;
  DecideByText("unsafe: S2;S1", policy.verdict, policy.categories, &verdict);
  EXPECT_THAT(verdict.categories, ElementsAre("S2", "S1"));
  DecideByText("unsafe\nS2", policy.verdict, policy.categories, &verdict);
  EXPECT_THAT(verdict.categories, ElementsAre("unknown"));
}

TEST(CheckPolicy, WhatATokenizerMustHave) {
  const auto tokenizer = SmallTokenizer();
  Policy policy = SmallPolicy({"S1"});
  EXPECT_TRUE(CheckPolicy(policy, *tokenizer).ok());
  policy.verdict.lead = "xyz";
  EXPECT_FALSE(CheckPolicy(policy, *tokenizer).ok());
  policy = SmallPolicy({"S1"});
  policy.verdict.safe = "sure";
  policy.verdict.unsafe = "stop";  // bytes: both begin with s
  EXPECT_FALSE(CheckPolicy(policy, *tokenizer).ok());
  policy = SmallPolicy({"S1"});
  policy.stop = {"<|b|>"};
  EXPECT_EQ(CheckPolicy(policy, *tokenizer).error().code, ErrorCode::kModel);
  const auto llama4 = test::Llama4Tokenizer();
  ASSERT_NE(llama4, nullptr);
  EXPECT_TRUE(CheckPolicy(test::LlamaGuard4Policy(), *llama4).ok());
}

TEST(VerdictJson, KeysInOrder) {
  Verdict verdict;
  verdict.categories = {"S\"9"};
  verdict.category_scores = {{"S\"9", 0.123456789}};
  verdict.output = "unsafe\nS9";
  const auto json = nlohmann::ordered_json::parse(VerdictToJson(verdict, "[1]"));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("id", "verdict", "role", "categories", "unsafe_score", "category_scores",
                                "output", "model", "policy", "usage", "timings_ms"));
  EXPECT_EQ(json["category_scores"]["S\"9"], 0.123456789);
  EXPECT_EQ(json["categories"][0], "S\"9");
}

}  // namespace
}  // namespace gatehouse

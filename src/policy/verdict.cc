#include "policy/verdict.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "policy/answer_tree.h"
#include "policy/category_list.h"

namespace gatehouse {
namespace {

constexpr int kRawTokens = 32;
// Rows of keys that ride in a request's first pass.
constexpr size_t kMostRowsAlongside = 40;
// Below this share of the probability the model did not answer the question.
constexpr double kMinimumMass = 0.5;

double Sigmoid(double x) { return x >= 0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x)); }

std::string JoinKeys(const std::vector<std::string>& keys, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < keys.size(); ++i) out += (i > 0 ? separator : "") + keys[i];
  return out;
}

// What the model says by itself: the most likely token, until a stop token or the limit.
Result<std::string> SayFreely(const Policy& policy, const Tokenizer& tokenizer, AnswerTree& answers) {
  TokenPath said;
  while (said.size() < kRawTokens) {
    const TokenPath ask[] = {said};
    GATEHOUSE_TRY(answers.Ask(ask));
    const int32_t next = ArgMax(answers.After(said));
    const bool stop = std::any_of(policy.stop.begin(), policy.stop.end(),
                                  [&](const std::string& text) { return tokenizer.ControlId(text) == next; });
    if (stop) break;
    said.push_back(next);
  }
  return tokenizer.Decode(said);
}

std::string Trim(std::string text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && space(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), space));
  return text;
}

// Reads an answer as the published pipelines do: `safe`, or `unsafe` and a second line of keys. Anything
// else, and any key that was not asked for, fails closed as `unknown`.
void DecideByText(const std::string& answer, const VerdictWords& words,
                  const std::vector<Category>& categories, Verdict* verdict) {
  const std::string text = Trim(answer);
  verdict->categories.clear();
  if (text == words.safe) {
    verdict->unsafe = false;
    return;
  }
  verdict->unsafe = true;
  const size_t line_end = text.find('\n');
  if (Trim(text.substr(0, line_end)) == words.unsafe && line_end != std::string::npos) {
    std::string rest = text.substr(line_end + 1);
    rest = rest.substr(0, rest.find('\n'));
    for (size_t begin = 0; begin <= rest.size();) {
      const size_t end = std::min(rest.find(',', begin), rest.size());
      const std::string key = Trim(rest.substr(begin, end - begin));
      const bool known =
          std::any_of(categories.begin(), categories.end(), [&](const Category& c) { return c.key == key; });
      if (!known) {
        verdict->categories.clear();
        break;
      }
      if (std::find(verdict->categories.begin(), verdict->categories.end(), key) == verdict->categories.end())
        verdict->categories.push_back(key);
      begin = end + 1;
    }
  }
  if (verdict->categories.empty()) verdict->categories = {"unknown"};
}

// Whether the lead comes is known only after the first pass. A pass costs what reading all weights costs,
// however few its rows: so the keys ride along in the first one behind both, where they are few.
std::vector<TokenPath> KeysAlongside(const CategoryLister& lister, const TokenPath& lead) {
  const std::vector<TokenPath> keys = lister.KeyPaths();
  std::vector<TokenPath> bases = {TokenPath{}};
  if (!lead.empty()) bases.push_back(lead);
  std::vector<TokenPath> paths;
  // About as many rows: what the keys begin with together is a token or two.
  if (bases.size() * (lister.head().size() + 1 + keys.size()) > kMostRowsAlongside) return paths;
  for (TokenPath& base : bases) {
    base.insert(base.end(), lister.head().begin(), lister.head().end());
    for (const TokenPath& key : keys) {
      paths.push_back(base);
      paths.back().insert(paths.back().end(), key.begin(), key.end());
    }
  }
  return paths;
}

}  // namespace

double CalibratedScore(double scale, double bias, double score) {
  if (scale == 1.0 && bias == 0.0) return score;
  if (score <= 0.0 || score >= 1.0) return score;
  return Sigmoid(scale * std::log(score / (1.0 - score)) + bias);
}

std::string OutputOf(const VerdictWords& words, bool unsafe, const std::vector<std::string>& keys) {
  return !unsafe ? words.safe : words.unsafe + words.separator + JoinKeys(keys, words.list_separator);
}

Result<void> CheckPolicy(const Policy& policy, const Tokenizer& tokenizer) {
  const auto control = [&](const std::string& text, const char* where) -> Result<void> {
    if (tokenizer.ControlId(text)) return {};
    return ModelError("the tokenizer lacks a control token of the policy", policy.name + ": " + where, text,
                      "none");
  };
  for (const FormatItem& item : policy.prompt) {
    if (item.kind == FormatItem::Kind::kControl) GATEHOUSE_TRY(control(item.value, "prompt"));
  }
  for (const FormatItem& item : policy.message) {
    if (item.kind == FormatItem::Kind::kControl) GATEHOUSE_TRY(control(item.value, "message"));
  }
  for (const std::string& stop : policy.stop) GATEHOUSE_TRY(control(stop, "stop"));
  const std::vector<int32_t> safe = tokenizer.Encode(policy.verdict.safe),
                             unsafe = tokenizer.Encode(policy.verdict.unsafe);
  if (safe.front() == unsafe.front()) {
    return ModelError("the verdict words begin with one token", policy.name + ": verdict", "two first tokens",
                      std::to_string(safe.front()));
  }
  if (policy.verdict.lead && tokenizer.Encode(*policy.verdict.lead).size() != 1) {
    return ModelError("the lead is not one token", policy.name + ": verdict.lead", "one token",
                      std::to_string(tokenizer.Encode(*policy.verdict.lead).size()) + " tokens");
  }
  return {};
}

Result<void> CheckThresholdKeys(const Policy& policy, const std::vector<Category>& categories,
                                const JudgeOptions& options) {
  for (const auto& [key, value] : options.category_thresholds) {
    const auto is_it = [&key = key](const Category& category) { return category.key == key; };
    if (std::any_of(policy.categories.begin(), policy.categories.end(), is_it)) continue;
    if (std::any_of(categories.begin(), categories.end(), is_it)) continue;
    std::string keys;
    for (const Category& category : categories) keys += (keys.empty() ? "" : ", ") + category.key;
    return BadInput("threshold for an unknown category", "threshold", "one of " + keys, key);
  }
  return {};
}

Result<Verdict> Judge(const Policy& policy, const Tokenizer& tokenizer,
                      const std::vector<Category>& categories, NextTokenScorer& scorer,
                      const JudgeOptions& options) {
  AnswerTree answers(scorer, static_cast<size_t>(tokenizer.vocab_size()));
  const int32_t safe = tokenizer.Encode(policy.verdict.safe).front();
  const int32_t unsafe = tokenizer.Encode(policy.verdict.unsafe).front();
  const TokenPath start;
  TokenPath lead;
  if (policy.verdict.lead) lead = tokenizer.Encode(*policy.verdict.lead);

  const CategoryLister lister(policy, tokenizer, categories);
  GATEHOUSE_TRY(lister.Check());

  std::vector<TokenPath> first = {start};
  if (!lead.empty()) first.push_back(lead);
  GATEHOUSE_TRY(answers.Ask(first, KeysAlongside(lister, lead)));
  // P(word), said at once or after the lead.
  const auto direct = [&](int32_t word) { return std::exp(answers.After(start)[static_cast<size_t>(word)]); };
  const auto led = [&](int32_t word) {
    return lead.empty() ? 0.0
                        : std::exp(answers.After(start)[static_cast<size_t>(lead.front())] +
                                   answers.After(lead)[static_cast<size_t>(word)]);
  };
  const double p_safe = direct(safe) + led(safe);
  const double p_unsafe = direct(unsafe) + led(unsafe);

  Verdict verdict;
  verdict.verdict_mass = p_safe + p_unsafe;
  verdict.lead = !lead.empty() && led(unsafe) >= direct(unsafe);
  // Both may underflow to zero, or be no numbers at all: then the score says unsafe.
  const double ratio = p_unsafe / (p_unsafe + p_safe);
  verdict.unsafe_score =
      std::isfinite(ratio) ? CalibratedScore(policy.calibration_scale, policy.calibration_bias, ratio) : 1.0;

  TokenPath base = verdict.lead ? lead : TokenPath{};
  base.insert(base.end(), lister.head().begin(), lister.head().end());
  GATEHOUSE_ASSIGN(const std::vector<double> shares, lister.FirstKeyShares(answers, base));
  bool finite = answers.all_finite() && std::isfinite(ratio);
  for (size_t i = 0; i < categories.size(); ++i) {
    const double score = verdict.unsafe_score * shares[i];
    finite = finite && std::isfinite(score);
    verdict.category_scores.emplace_back(categories[i].key, std::isfinite(score) ? score : 1.0);
  }

  const std::optional<double> threshold = options.replace_threshold ? options.threshold : policy.threshold;
  const auto own_threshold = [&](const Category& category) -> std::optional<double> {
    for (const auto& [key, value] : options.category_thresholds) {
      if (key == category.key) return value;
    }
    return category.threshold;
  };
  const auto over = [&](size_t i) {
    const std::optional<double> own = own_threshold(categories[i]);
    return own && verdict.category_scores[i].second >= *own;
  };
  verdict.unsafe = threshold && verdict.unsafe_score >= *threshold;
  for (size_t i = 0; i < categories.size(); ++i) verdict.unsafe = verdict.unsafe || over(i);

  if (!finite || !(verdict.verdict_mass >= kMinimumMass)) {
    verdict.unsafe = true;
    verdict.categories = {"unknown"};
  } else if (verdict.unsafe) {
    GATEHOUSE_ASSIGN(std::vector<size_t> listed, lister.GreedyList(answers, base));
    for (size_t i = 0; i < categories.size(); ++i) {
      if (over(i) && std::find(listed.begin(), listed.end(), i) == listed.end()) listed.push_back(i);
    }
    for (const size_t i : listed) verdict.categories.push_back(categories[i].key);
    if (!answers.all_finite()) verdict.categories = {"unknown"};
  }
  if (options.raw_output || options.greedy_decision) {
    GATEHOUSE_ASSIGN(std::string said, SayFreely(policy, tokenizer, answers));
    if (options.greedy_decision) {
      DecideByText(said, policy.verdict, categories, &verdict);
      if (!answers.all_finite()) {
        verdict.unsafe = true;
        verdict.categories = {"unknown"};
      }
    }
    if (options.raw_output) verdict.raw_output = std::move(said);
  }
  verdict.output = OutputOf(policy.verdict, verdict.unsafe, verdict.categories);
  return verdict;
}

}  // namespace gatehouse

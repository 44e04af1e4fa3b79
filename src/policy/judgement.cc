#include "policy/judgement.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "policy/answer_text.h"

namespace gatehouse {
namespace {

constexpr size_t kRawTokens = 32;
// Rows of keys that ride in a request's first pass.
constexpr size_t kMostRowsAlongside = 40;
// Below this share of the probability the model did not answer the question.
constexpr double kMinimumMass = 0.5;
constexpr char kUnknown[] = "unknown";

}  // namespace

Judgement::Judgement(const Policy& policy, const Tokenizer& tokenizer, std::vector<Category> categories,
                     JudgeOptions options)
    : policy_(policy),
      tokenizer_(tokenizer),
      categories_(std::move(categories)),
      options_(std::move(options)),
      lister_(policy, tokenizer, categories_),
      safe_(tokenizer.Encode(policy.verdict.safe).front()),
      unsafe_(tokenizer.Encode(policy.verdict.unsafe).front()) {
  if (policy.verdict.lead) lead_ = tokenizer.Encode(*policy.verdict.lead);
}

Result<std::unique_ptr<Judgement>> Judgement::Begin(const Policy& policy, const Tokenizer& tokenizer,
                                                    std::vector<Category> categories, JudgeOptions options) {
  GATEHOUSE_TRY(CheckThresholdKeys(policy, categories, options));
  std::unique_ptr<Judgement> judgement(
      new Judgement(policy, tokenizer, std::move(categories), std::move(options)));
  GATEHOUSE_TRY(judgement->lister_.Check());
  judgement->done_ = judgement->Advance();
  return judgement;
}

Result<void> Judgement::Tell(std::span<const NextToken> answers) {
  if (answers.size() != wanted().size())
    return InternalError("another number of answers than of questions", "judgement");
  answers_.Tell(answers);
  done_ = Advance();
  return {};
}

bool Judgement::Advance() {
  verdict_ = {};
  finite_ = true;
  if (!ReadScores() || !ReadList() || !ReadFreeAnswer()) return false;
  verdict_.output = OutputOf(policy_.verdict, verdict_.unsafe, verdict_.categories);
  return true;
}

std::vector<Question> Judgement::FirstQuestions() const {
  std::vector<Question> out = {{{}, {safe_, unsafe_}}};
  if (!lead_.empty()) {
    out.front().ids.push_back(lead_.front());
    out.push_back({lead_, {safe_, unsafe_}});
  }
  return out;
}

// Whether the lead comes is known only after the first pass. A pass costs what reading all weights costs,
// however few its rows: so the keys ride along in the first one behind both, where they are few.
std::vector<Question> Judgement::KeysAlongside() const {
  std::vector<Question> out;
  if (options_.keys_only_where_they_matter) return out;
  std::vector<TokenPath> bases = {TokenPath{}};
  if (!lead_.empty()) bases.push_back(lead_);
  // About as many rows: what the keys begin with together is a token or two.
  if (bases.size() * (lister_.head().size() + 1 + lister_.KeyPaths().size()) > kMostRowsAlongside) return out;
  for (TokenPath& base : bases) {
    base.insert(base.end(), lister_.head().begin(), lister_.head().end());
    for (Question& question : lister_.KeyQuestions(base)) out.push_back(std::move(question));
  }
  return out;
}

bool Judgement::ReadScores() {
  if (!answers_.Know(FirstQuestions(), KeysAlongside())) return false;
  // P(word), said at once or after the lead.
  const auto direct = [&](int32_t word) { return std::exp(answers_.LogP({}, word)); };
  const auto led = [&](int32_t word) {
    return lead_.empty() ? 0.0 : std::exp(answers_.LogP({}, lead_.front()) + answers_.LogP(lead_, word));
  };
  const double p_safe = direct(safe_) + led(safe_);
  const double p_unsafe = direct(unsafe_) + led(unsafe_);
  verdict_.verdict_mass = p_safe + p_unsafe;
  verdict_.lead = !lead_.empty() && led(unsafe_) >= direct(unsafe_);
  // Both may underflow to zero, or be no numbers at all: then the score says unsafe.
  const double ratio = p_unsafe / (p_unsafe + p_safe);
  verdict_.unsafe_score = std::isfinite(ratio)
                              ? CalibratedScore(policy_.calibration_scale, policy_.calibration_bias, ratio)
                              : 1.0;
  finite_ = std::isfinite(ratio);
  base_ = verdict_.lead ? lead_ : TokenPath{};
  base_.insert(base_.end(), lister_.head().begin(), lister_.head().end());
  if (options_.keys_only_where_they_matter && finite_ && answers_.all_finite() && !CategoriesMatter())
    return true;

  const std::optional<std::vector<double>> shares = lister_.FirstKeyShares(answers_, base_);
  if (!shares) return false;
  finite_ = finite_ && answers_.all_finite();
  for (size_t i = 0; i < categories_.size(); ++i) {
    const double score = verdict_.unsafe_score * (*shares)[i];
    finite_ = finite_ && std::isfinite(score);
    verdict_.category_scores.emplace_back(categories_[i].key, std::isfinite(score) ? score : 1.0);
  }
  return true;
}

bool Judgement::CategoriesMatter() const {
  const double score = verdict_.unsafe_score;
  const std::optional<double> threshold = ThresholdOf(policy_, options_);
  if (threshold && score >= *threshold) return true;
  // A category's score is a share of the whole one.
  return std::any_of(categories_.begin(), categories_.end(), [&](const Category& category) {
    const std::optional<double> own = ThresholdOf(category, options_);
    return own && score >= *own;
  });
}

bool Judgement::Over(size_t category) const {
  if (verdict_.category_scores.empty()) return false;
  const std::optional<double> own = ThresholdOf(categories_[category], options_);
  return own && verdict_.category_scores[category].second >= *own;
}

bool Judgement::ReadList() {
  const std::optional<double> threshold = ThresholdOf(policy_, options_);
  verdict_.unsafe = threshold && verdict_.unsafe_score >= *threshold;
  for (size_t i = 0; i < categories_.size(); ++i) verdict_.unsafe = verdict_.unsafe || Over(i);

  if (!finite_ || !(verdict_.verdict_mass >= kMinimumMass)) {
    verdict_.unsafe = true;
    verdict_.categories = {kUnknown};
  } else if (verdict_.unsafe) {
    std::optional<std::vector<size_t>> listed = lister_.GreedyList(answers_, base_);
    if (!listed) return false;
    for (size_t i = 0; i < categories_.size(); ++i) {
      if (Over(i) && std::find(listed->begin(), listed->end(), i) == listed->end()) listed->push_back(i);
    }
    for (const size_t i : *listed) verdict_.categories.push_back(categories_[i].key);
    if (!answers_.all_finite()) verdict_.categories = {kUnknown};
  }
  return true;
}

// What the model says by itself: the most likely token, until a stop token or the limit.
bool Judgement::ReadFreeAnswer() {
  if (!options_.raw_output && !options_.greedy_decision) return true;
  TokenPath said;
  while (said.size() < kRawTokens) {
    const Question question[] = {{said, {}}};
    if (!answers_.Know(question)) return false;
    const int32_t next = answers_.Best(said);
    const bool stop = std::any_of(policy_.stop.begin(), policy_.stop.end(), [&](const std::string& text) {
      return tokenizer_.ControlId(text) == next;
    });
    if (stop) break;
    said.push_back(next);
  }
  const std::string text = tokenizer_.Decode(said);
  if (options_.greedy_decision) {
    DecideByText(text, policy_.verdict, categories_, &verdict_);
    if (!answers_.all_finite()) {
      verdict_.unsafe = true;
      verdict_.categories = {kUnknown};
    }
  }
  if (options_.raw_output) verdict_.raw_output = text;
  return true;
}

}  // namespace gatehouse

#include "policy/verdict.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace gatehouse {
namespace {

double Sigmoid(double x) { return x >= 0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x)); }

std::string JoinKeys(const std::vector<std::string>& keys, const std::string& separator) {
  std::string out;
  for (size_t i = 0; i < keys.size(); ++i) out += (i > 0 ? separator : "") + keys[i];
  return out;
}

}  // namespace

double CalibratedScore(double scale, double bias, double score) {
  if (scale == 1.0 && bias == 0.0) return score;
  if (score <= 0.0 || score >= 1.0) return score;
  return Sigmoid(scale * std::log(score / (1.0 - score)) + bias);
}

Thresholds Stricter(const Policy& policy, const Thresholds& own, const Thresholds& asked) {
  Thresholds out = own;
  if (asked.replaces && asked.overall) {
    const std::optional<double> usual = own.replaces ? own.overall : policy.threshold;
    out.replaces = true;
    out.overall = usual ? std::min(*usual, *asked.overall) : *asked.overall;
  }
  for (const auto& [key, share] : asked.categories) {
    const auto is_it = [&key = key](const auto& entry) { return entry.first == key; };
    if (const auto listed = std::find_if(out.categories.begin(), out.categories.end(), is_it);
        listed != out.categories.end()) {
      listed->second = std::min(listed->second, share);
      continue;
    }
    const auto category = std::find_if(policy.categories.begin(), policy.categories.end(),
                                       [&key = key](const Category& one) { return one.key == key; });
    const bool has_own = category != policy.categories.end() && category->threshold;
    out.categories.emplace_back(key, has_own ? std::min(*category->threshold, share) : share);
  }
  return out;
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
  for (const auto& [key, value] : options.thresholds.categories) {
    const auto is_it = [&key = key](const Category& category) { return category.key == key; };
    if (std::any_of(policy.categories.begin(), policy.categories.end(), is_it)) continue;
    if (std::any_of(categories.begin(), categories.end(), is_it)) continue;
    std::string keys;
    for (const Category& category : categories) keys += (keys.empty() ? "" : ", ") + category.key;
    return BadInput("threshold for an unknown category", "threshold", "one of " + keys, key);
  }
  return {};
}

std::optional<double> ThresholdOf(const Policy& policy, const JudgeOptions& options) {
  return options.thresholds.replaces ? options.thresholds.overall : policy.threshold;
}

std::optional<double> ThresholdOf(const Category& category, const JudgeOptions& options) {
  for (const auto& [key, value] : options.thresholds.categories) {
    if (key == category.key) return value;
  }
  return category.threshold;
}

}  // namespace gatehouse

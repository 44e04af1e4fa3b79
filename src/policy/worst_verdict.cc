#include "policy/worst_verdict.h"

#include <algorithm>
#include <string>
#include <utility>

#include "policy/verdict.h"

namespace gatehouse {
namespace {

constexpr char kUnknown[] = "unknown";

bool Worse(const Verdict& left, const Verdict& right) {
  if (left.unsafe != right.unsafe) return left.unsafe;
  return left.unsafe_score > right.unsafe_score;
}

// Adds the keys that are not there yet.
void AddKeys(const std::vector<std::string>& from, std::vector<std::string>* to) {
  for (const std::string& key : from) {
    if (key != kUnknown && std::find(to->begin(), to->end(), key) == to->end()) to->push_back(key);
  }
}

void Add(const Verdict& one, Verdict* sum) {
  sum->usage.prompt_tokens += one.usage.prompt_tokens;
  sum->usage.cached_tokens += one.usage.cached_tokens;
  sum->usage.image_tokens += one.usage.image_tokens;
  sum->timings.vision += one.timings.vision;
  sum->timings.prefill += one.timings.prefill;
  sum->timings.decode += one.timings.decode;
}

}  // namespace

Verdict WorstOf(const VerdictWords& words, std::vector<Verdict> verdicts) {
  if (verdicts.size() == 1) return std::move(verdicts.front());
  // The first of equals.
  const auto worst = std::min_element(verdicts.begin(), verdicts.end(), Worse);
  Verdict out = *worst;
  out.categories.clear();
  if (out.unsafe) AddKeys(worst->categories, &out.categories);
  out.usage = {};
  out.timings = {};
  for (const Verdict& one : verdicts) {
    out.unsafe_score = std::max(out.unsafe_score, one.unsafe_score);
    out.verdict_mass = std::min(out.verdict_mass, one.verdict_mass);
    for (size_t i = 0; i < out.category_scores.size(); ++i)
      out.category_scores[i].second = std::max(out.category_scores[i].second, one.category_scores[i].second);
    if (one.unsafe) AddKeys(one.categories, &out.categories);
    Add(one, &out);
  }
  // Unsafe without a key: nobody knows why, and it stays unsafe.
  if (out.unsafe && out.categories.empty()) out.categories = {kUnknown};
  out.output = OutputOf(words, out.unsafe, out.categories);
  return out;
}

}  // namespace gatehouse

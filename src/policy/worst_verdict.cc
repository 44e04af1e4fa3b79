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

// Frames are judged one after the other.
void AddTimes(const Timings& one, Timings* sum) {
  sum->vision += one.vision;
  sum->prefill += one.prefill;
  sum->decode += one.decode;
}

// Windows run side by side, and wait for each other meanwhile.
void TakeLongest(const Timings& one, Timings* out) {
  out->vision = std::max(out->vision, one.vision);
  out->prefill = std::max(out->prefill, one.prefill);
  out->decode = std::max(out->decode, one.decode);
}

// A check of a growing answer may go without scores where it is safe.
void RaiseScores(const Verdict& one, Verdict* out) {
  if (out->category_scores.empty()) out->category_scores = one.category_scores;
  if (one.category_scores.size() != out->category_scores.size()) return;
  for (size_t i = 0; i < out->category_scores.size(); ++i)
    out->category_scores[i].second = std::max(out->category_scores[i].second, one.category_scores[i].second);
}

enum class Of { kFrames, kWindows };

Verdict Worst(const VerdictWords& words, std::vector<Verdict> verdicts, Of of) {
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
    RaiseScores(one, &out);
    if (one.unsafe && of == Of::kFrames) AddKeys(one.categories, &out.categories);
    AddTokens(one.usage, &out.usage);
    (of == Of::kFrames ? AddTimes : TakeLongest)(one.timings, &out.timings);
  }
  // Unsafe without a key: nobody knows why, and it stays unsafe.
  if (out.unsafe && out.categories.empty()) out.categories = {kUnknown};
  out.output = OutputOf(words, out.unsafe, out.categories);
  return out;
}

}  // namespace

void AddTokens(const Usage& one, Usage* sum) {
  sum->prompt_tokens += one.prompt_tokens;
  sum->cached_tokens += one.cached_tokens;
  sum->image_tokens += one.image_tokens;
}

Verdict WorstOf(const VerdictWords& words, std::vector<Verdict> verdicts) {
  return Worst(words, std::move(verdicts), Of::kFrames);
}

Verdict WorstOfWindows(const VerdictWords& words, std::vector<Verdict> verdicts) {
  return Worst(words, std::move(verdicts), Of::kWindows);
}

}  // namespace gatehouse

#include "train/run/answer.h"

#include "policy/verdict.h"

namespace gatehouse::train {

Answer AnswerTo(const Policy& policy, const Tokenizer& tokenizer, const WantedVerdict& wanted,
                const AnswerWeights& weights) {
  Answer out;
  // The lead is asked for as the runtime asks for it (policy/judgement.h): said at once or after it. It is
  // taught as what comes first, so that the model has one way to answer.
  size_t verdict_at = 0;
  if (policy.verdict.lead) {
    out.ids = tokenizer.Encode(*policy.verdict.lead);
    verdict_at = out.ids.size();
  }
  const bool lists = wanted.unsafe && wanted.knows_keys;
  const std::vector<int32_t> said = tokenizer.Encode(
      OutputOf(policy.verdict, wanted.unsafe, lists ? wanted.keys : std::vector<std::string>()));
  out.ids.insert(out.ids.end(), said.begin(), said.end());
  if (!policy.stop.empty() && (lists || !wanted.unsafe)) {
    if (const auto stop = tokenizer.ControlId(policy.stop.front())) out.ids.push_back(*stop);
  }
  out.weights.assign(out.ids.size(), 0.0f);
  for (size_t i = 0; i < verdict_at; ++i) out.weights[i] = 1.0f;
  out.weights[verdict_at] = 1.0f;
  if (lists || !wanted.unsafe) {
    // All that stands behind the verdict's first token weighs as much together, however long the list.
    const size_t rest = out.ids.size() - verdict_at - 1;
    for (size_t i = verdict_at + 1; i < out.ids.size(); ++i)
      out.weights[i] = static_cast<float>(weights.list / static_cast<double>(rest));
  }
  while (!out.weights.empty() && out.weights.back() == 0.0f) {
    out.ids.pop_back();
    out.weights.pop_back();
  }
  return out;
}

}  // namespace gatehouse::train

#include "policy/answer_tree.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace gatehouse {

Result<void> AnswerTree::Ask(std::span<const TokenPath> paths, std::span<const TokenPath> alongside) {
  std::vector<TokenPath> missing;
  const auto add_unknown = [&](std::span<const TokenPath> from) {
    for (const TokenPath& path : from) {
      if (known_.count(path) == 0 && std::find(missing.begin(), missing.end(), path) == missing.end())
        missing.push_back(path);
    }
  };
  add_unknown(paths);
  if (!missing.empty()) {
    add_unknown(alongside);
    GATEHOUSE_TRY(AskModel(std::move(missing)));
  }
  for (const TokenPath& path : paths) all_finite_ = all_finite_ && std::isfinite(After(path).log_total);
  return {};
}

Result<void> AnswerTree::AskModel(std::vector<TokenPath> paths) {
  GATEHOUSE_ASSIGN(std::vector<std::vector<float>> logits, scorer_.Logits(paths));
  if (logits.size() != paths.size())
    return InternalError("another number of answers than of questions", "scorer");
  for (size_t i = 0; i < paths.size(); ++i) {
    if (logits[i].size() < vocab_)
      return InternalError("fewer logits than the tokenizer has tokens", "scorer");
    const double log_total = LogTotal(logits[i]);
    known_[std::move(paths[i])] = {std::move(logits[i]), log_total};
  }
  return {};
}

}  // namespace gatehouse

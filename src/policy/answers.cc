#include "policy/answers.h"

#include <algorithm>
#include <cmath>

namespace gatehouse {

bool Answers::Knows(const Question& question) const {
  const auto known = known_.find(question.path);
  if (known == known_.end()) return false;
  return std::all_of(question.ids.begin(), question.ids.end(),
                     [&](int32_t id) { return known->second.logits.count(id) > 0; });
}

void Answers::Want(const Question& question) {
  const auto same = std::find_if(wanted_.begin(), wanted_.end(),
                                 [&](const Question& other) { return other.path == question.path; });
  if (same == wanted_.end()) {
    wanted_.push_back(question);
    return;
  }
  for (const int32_t id : question.ids) {
    if (std::find(same->ids.begin(), same->ids.end(), id) == same->ids.end()) same->ids.push_back(id);
  }
}

bool Answers::Know(std::span<const Question> questions, std::span<const Question> alongside) {
  for (const Question& question : questions) {
    if (!Knows(question)) Want(question);
  }
  if (!wanted_.empty()) {
    for (const Question& question : alongside) {
      if (!Knows(question)) Want(question);
    }
    return false;
  }
  for (const Question& question : questions)
    all_finite_ = all_finite_ && std::isfinite(known_.at(question.path).log_total);
  return true;
}

void Answers::Tell(std::span<const NextToken> answers) {
  for (size_t i = 0; i < wanted_.size(); ++i) {
    Known& known = known_[wanted_[i].path];
    known.log_total = answers[i].log_total;
    known.best = answers[i].best;
    for (size_t j = 0; j < wanted_[i].ids.size(); ++j) known.logits[wanted_[i].ids[j]] = answers[i].logits[j];
  }
  wanted_.clear();
  all_finite_ = true;  // whoever asks again counts again
}

double Answers::LogP(const TokenPath& path, int32_t token) const {
  const Known& known = known_.at(path);
  return static_cast<double>(known.logits.at(token)) - known.log_total;
}

}  // namespace gatehouse

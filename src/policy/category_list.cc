#include "policy/category_list.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"

namespace gatehouse {
namespace {

bool BeginsWith(const TokenPath& path, const TokenPath& prefix) {
  return path.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

TokenPath Join(const TokenPath& a, const TokenPath& b) {
  TokenPath out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

std::vector<size_t> With(const std::vector<size_t>& list, size_t next) {
  std::vector<size_t> out = list;
  out.push_back(next);
  return out;
}

// Tokens that all keys begin with, short of their last ones.
size_t CommonTokens(const std::vector<TokenPath>& keys) {
  size_t common = keys.empty() || keys.front().empty() ? 0 : keys.front().size() - 1;
  for (const TokenPath& key : keys) {
    size_t same = 0;
    while (same < common && same + 1 < key.size() && key[same] == keys.front()[same]) ++same;
    common = same;
  }
  return common;
}

}  // namespace

CategoryLister::CategoryLister(const Policy& policy, const Tokenizer& tokenizer,
                               const std::vector<Category>& categories)
    : policy_(policy), tokenizer_(tokenizer), categories_(categories) {
  head_ = tokenizer.Encode(policy.verdict.unsafe + policy.verdict.separator);
  for (const std::string& stop : policy.stop) {
    if (const auto id = tokenizer.ControlId(stop)) stops_.push_back(*id);
  }
  for (size_t i = 0; i < categories_.size(); ++i) keys_.push_back(TokensOf({i}));
  for (const TokenPath& path : KeyPaths()) key_questions_.push_back({path, IdsOf(ChoiceAt({}, path))});
}

TokenPath CategoryLister::TokensOf(const std::vector<size_t>& list) const {
  std::string text = policy_.verdict.unsafe + policy_.verdict.separator;
  for (size_t i = 0; i < list.size(); ++i)
    text += (i > 0 ? policy_.verdict.list_separator : "") + categories_[list[i]].key;
  TokenPath tokens = tokenizer_.Encode(text);
  tokens.erase(tokens.begin(), tokens.begin() + static_cast<int64_t>(std::min(head_.size(), tokens.size())));
  return tokens;
}

Result<void> CategoryLister::Check() const {
  for (const Category& category : categories_) {
    const TokenPath whole =
        tokenizer_.Encode(policy_.verdict.unsafe + policy_.verdict.separator + category.key);
    if (whole.size() > head_.size() && BeginsWith(whole, head_)) continue;
    return BadInput("category key cannot be told from the words before it", "categories",
                    "a key of letters and digits", category.key);
  }
  return {};
}

std::vector<TokenPath> CategoryLister::KeyPaths() const {
  const size_t common = CommonTokens(keys_);
  std::set<TokenPath> paths;
  // The end of a key that begins a longer one is among the longer one's inner nodes.
  for (const TokenPath& key : keys_) {
    for (size_t length = common; length < key.size(); ++length)
      paths.insert(TokenPath(key.begin(), key.begin() + static_cast<int64_t>(length)));
  }
  return {paths.begin(), paths.end()};
}

std::vector<Question> CategoryLister::KeyQuestions(const TokenPath& base) const {
  std::vector<Question> out = key_questions_;
  for (Question& question : out) question.path = Join(base, question.path);
  return out;
}

CategoryLister::Choice CategoryLister::ChoiceAt(const std::vector<size_t>& done,
                                                const TokenPath& said) const {
  Choice out;
  std::vector<size_t> open;
  for (size_t i = 0; i < categories_.size(); ++i) {
    if (std::find(done.begin(), done.end(), i) == done.end()) open.push_back(i);
  }
  const auto offer = [&](const TokenPath& tokens) {
    if (tokens.size() > said.size() && BeginsWith(tokens, said)) out.tokens.insert(tokens[said.size()]);
  };
  for (const size_t key : open) {
    const TokenPath tokens = done.empty() ? keys_[key] : TokensOf(With(done, key));
    if (tokens == said && !out.complete) out.complete = key;
    offer(tokens);
  }
  if (!out.complete) return out;
  for (const size_t key : open) {
    if (key != *out.complete) offer(TokensOf(With(With(done, *out.complete), key)));
  }
  return out;
}

std::vector<int32_t> CategoryLister::IdsOf(const Choice& choice) const {
  std::vector<int32_t> ids(choice.tokens.begin(), choice.tokens.end());
  if (choice.complete) ids.insert(ids.end(), stops_.begin(), stops_.end());
  return ids;
}

std::optional<std::vector<double>> CategoryLister::FirstKeyShares(Answers& answers,
                                                                  const TokenPath& base) const {
  const size_t common = CommonTokens(keys_);
  if (!answers.Know(KeyQuestions(base))) return std::nullopt;
  std::vector<double> logs;
  for (size_t i = 0; i < keys_.size(); ++i) {
    double log_probability = 0.0;
    TokenPath path = base;
    for (size_t at = 0; at < keys_[i].size(); ++at) {
      const int32_t token = keys_[i][at];
      if (at >= common) log_probability += answers.LogP(path, token);
      path.push_back(token);
    }
    // S1 where S10 is three tokens: the key ends here only if none of the longer ones goes on.
    std::set<int32_t> going_on;
    for (size_t j = 0; j < keys_.size(); ++j) {
      if (j != i && keys_[j].size() > keys_[i].size() && BeginsWith(keys_[j], keys_[i]))
        going_on.insert(keys_[j][keys_[i].size()]);
    }
    double on = 0.0;
    for (const int32_t token : going_on) on += std::exp(answers.LogP(path, token));
    logs.push_back(log_probability + std::log(std::max(0.0, 1.0 - on)));
  }
  const double highest = *std::max_element(logs.begin(), logs.end());
  double total = 0.0;
  for (double& log_probability : logs) {
    log_probability = std::exp(log_probability - highest);
    total += log_probability;
  }
  for (double& share : logs) share /= total;
  return logs;
}

std::optional<std::vector<size_t>> CategoryLister::GreedyList(Answers& answers, const TokenPath& base) const {
  std::vector<size_t> done;
  TokenPath said;
  // Each round says one token or ends; a key has few tokens, so this bound is never met.
  for (size_t round = 0; round < 64 * (categories_.size() + 1); ++round) {
    const Choice choice = ChoiceAt(done, said);
    if (choice.tokens.empty()) return choice.complete ? With(done, *choice.complete) : done;
    if (choice.tokens.size() == 1 && !choice.complete) {  // nothing to choose
      said.push_back(*choice.tokens.begin());
      continue;
    }
    const TokenPath path = Join(base, said);
    const Question question[] = {{path, IdsOf(choice)}};
    if (!answers.Know(question)) return std::nullopt;
    int32_t best = *choice.tokens.begin();
    for (const int32_t token : choice.tokens) {
      if (answers.LogP(path, token) > answers.LogP(path, best)) best = token;
    }
    if (!choice.complete) {
      said.push_back(best);
      continue;
    }
    for (const int32_t stop : stops_) {
      if (answers.LogP(path, stop) > answers.LogP(path, best)) return With(done, *choice.complete);
    }
    said.push_back(best);
    bool still_open = false;
    for (size_t key = 0; key < categories_.size() && !still_open; ++key) {
      if (std::find(done.begin(), done.end(), key) == done.end())
        still_open = BeginsWith(TokensOf(With(done, key)), said);
    }
    if (!still_open) done.push_back(*choice.complete);
  }
  return done;
}

}  // namespace gatehouse

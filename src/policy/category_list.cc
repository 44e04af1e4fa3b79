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

std::vector<TokenPath> CategoryLister::KeyTokens() const {
  std::vector<TokenPath> keys;
  for (size_t i = 0; i < categories_.size(); ++i) keys.push_back(TokensOf({i}));
  return keys;
}

std::vector<TokenPath> CategoryLister::KeyPaths() const {
  const std::vector<TokenPath> keys = KeyTokens();
  const size_t common = CommonTokens(keys);
  std::set<TokenPath> paths;
  // The end of a key that begins a longer one is among the longer one's inner nodes.
  for (const TokenPath& key : keys) {
    for (size_t length = common; length < key.size(); ++length)
      paths.insert(TokenPath(key.begin(), key.begin() + static_cast<int64_t>(length)));
  }
  return {paths.begin(), paths.end()};
}

Result<std::vector<double>> CategoryLister::FirstKeyShares(AnswerTree& answers, const TokenPath& base) const {
  const std::vector<TokenPath> keys = KeyTokens();
  const size_t common = CommonTokens(keys);
  std::vector<TokenPath> paths;
  for (const TokenPath& path : KeyPaths()) paths.push_back(Join(base, path));
  GATEHOUSE_TRY(answers.Ask(paths));
  std::vector<double> logs;
  for (size_t i = 0; i < keys.size(); ++i) {
    double log_probability = 0.0;
    TokenPath path = base;
    for (size_t at = 0; at < keys[i].size(); ++at) {
      const int32_t token = keys[i][at];
      if (at >= common) log_probability += answers.After(path)[static_cast<size_t>(token)];
      path.push_back(token);
    }
    // S1 where S10 is three tokens: the key ends here only if none of the longer ones goes on.
    std::set<int32_t> going_on;
    for (size_t j = 0; j < keys.size(); ++j) {
      if (j != i && keys[j].size() > keys[i].size() && BeginsWith(keys[j], keys[i]))
        going_on.insert(keys[j][keys[i].size()]);
    }
    double on = 0.0;
    for (const int32_t token : going_on) on += std::exp(answers.After(path)[static_cast<size_t>(token)]);
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

Result<std::vector<size_t>> CategoryLister::GreedyList(AnswerTree& answers, const TokenPath& base) const {
  std::vector<size_t> done;
  TokenPath said;
  // Each round says one token or ends; a key has few tokens, so this bound is never met.
  for (size_t round = 0; round < 64 * (categories_.size() + 1); ++round) {
    std::vector<size_t> open;
    for (size_t i = 0; i < categories_.size(); ++i) {
      if (std::find(done.begin(), done.end(), i) == done.end()) open.push_back(i);
    }
    const auto with = [&](const std::vector<size_t>& list, size_t next) {
      std::vector<size_t> out = list;
      out.push_back(next);
      return out;
    };
    // A key that is complete as it stands, though it may yet turn out to be the beginning of a longer one.
    std::vector<size_t> tentative;
    for (const size_t key : open) {
      if (TokensOf(with(done, key)) == said) {
        tentative.push_back(key);
        break;
      }
    }
    std::set<int32_t> options;
    const auto offer = [&](const std::vector<size_t>& list) {
      const TokenPath tokens = TokensOf(list);
      if (tokens.size() > said.size() && BeginsWith(tokens, said)) options.insert(tokens[said.size()]);
    };
    for (const size_t key : open) {
      offer(with(done, key));
      if (!tentative.empty() && key != tentative.front()) offer(with(with(done, tentative.front()), key));
    }
    const bool may_stop = !tentative.empty();
    if (options.empty()) return may_stop ? with(done, tentative.front()) : done;
    if (options.size() == 1 && !may_stop) {  // nothing to choose
      said.push_back(*options.begin());
      continue;
    }
    const TokenPath path = Join(base, said);
    const TokenPath ask[] = {path};
    GATEHOUSE_TRY(answers.Ask(ask));
    const NextToken& after = answers.After(path);
    int32_t best = *options.begin();
    for (const int32_t option : options) {
      if (after[static_cast<size_t>(option)] > after[static_cast<size_t>(best)]) best = option;
    }
    if (may_stop) {
      for (const int32_t stop : stops_) {
        if (after[static_cast<size_t>(stop)] > after[static_cast<size_t>(best)])
          return with(done, tentative.front());
      }
    }
    said.push_back(best);
    if (may_stop) {
      const bool still_open = std::any_of(
          open.begin(), open.end(), [&](size_t key) { return BeginsWith(TokensOf(with(done, key)), said); });
      if (!still_open) done.push_back(tentative.front());
    }
  }
  return done;
}

}  // namespace gatehouse

// The list of violated categories: the scores of each key as the first one listed, and the list that greedy
// decoding gives when nothing but lists of allowed keys can be said.
#pragma once

#include <string>
#include <vector>

#include "policy/answer_tree.h"
#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse {

class CategoryLister {
 public:
  CategoryLister(const Policy& policy, const Tokenizer& tokenizer, const std::vector<Category>& categories);

  // Can every key be scored? Errors: kBadInput: a key that would change the tokens of `unsafe` and the
  // separator.
  Result<void> Check() const;
  // The continuations of a base that the shares are read from: the inner nodes of the tree of keys, without
  // what all keys begin with, which says nothing about their shares.
  std::vector<TokenPath> KeyPaths() const;
  // base: the path up to and with the separator behind `unsafe`.
  // P(key is listed first | unsafe), one a category, summing to 1.
  Result<std::vector<double>> FirstKeyShares(AnswerTree& answers, const TokenPath& base) const;
  // Indices of the listed categories, in order.
  Result<std::vector<size_t>> GreedyList(AnswerTree& answers, const TokenPath& base) const;

  // Tokens of `unsafe` and the separator.
  const TokenPath& head() const { return head_; }

 private:
  // Tokens of a list of categories behind the head, in the canonical encoding of the whole answer.
  TokenPath TokensOf(const std::vector<size_t>& list) const;

  std::vector<TokenPath> KeyTokens() const;

  const Policy& policy_;
  const Tokenizer& tokenizer_;
  const std::vector<Category>& categories_;
  std::vector<int32_t> stops_;
  TokenPath head_;
};

}  // namespace gatehouse

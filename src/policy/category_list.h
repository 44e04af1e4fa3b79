// The list of violated categories: the scores of each key as the first one listed, and the list that greedy
// decoding gives when nothing but lists of allowed keys can be said.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/answers.h"
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
  // What the shares are read from, and what a list's first steps are chosen by.
  std::vector<Question> KeyQuestions(const TokenPath& base) const;
  // P(key is listed first | unsafe), one a category, summing to 1. None: something must be known first.
  std::optional<std::vector<double>> FirstKeyShares(Answers& answers, const TokenPath& base) const;
  // Indices of the listed categories, in order. None: something must be known first.
  std::optional<std::vector<size_t>> GreedyList(Answers& answers, const TokenPath& base) const;

  // Tokens of `unsafe` and the separator.
  const TokenPath& head() const { return head_; }

 private:
  // Tokens of a list of categories behind the head, in the canonical encoding of the whole answer.
  TokenPath TokensOf(const std::vector<size_t>& list) const;

  // What may come next in a list.
  struct Choice {
    std::optional<size_t> complete;  // a key that ends here, though it may be the beginning of a longer one
    std::set<int32_t> tokens;        // by which an allowed list goes on
  };
  // done: keys that stand in the list; said: its tokens so far, those of done at least.
  Choice ChoiceAt(const std::vector<size_t>& done, const TokenPath& said) const;
  // All that may be compared there: the tokens, and those that end an answer.
  std::vector<int32_t> IdsOf(const Choice& choice) const;

  const Policy& policy_;
  const Tokenizer& tokenizer_;
  const std::vector<Category>& categories_;
  std::vector<int32_t> stops_;
  TokenPath head_;
  std::vector<TokenPath> keys_;          // tokens of each category behind the head
  std::vector<Question> key_questions_;  // behind the base
};

}  // namespace gatehouse

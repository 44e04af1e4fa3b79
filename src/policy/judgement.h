// Judgement: how one conversation's verdict comes about (docs/verdict.md). It says what it wants to know of
// the model next, is told, and in the end holds the verdict; it calls nobody, so that whoever runs the
// network may do so when and with whom he likes.
//
//   GATEHOUSE_ASSIGN(auto judgement, Judgement::Begin(policy, tokenizer, categories, options));
//   while (!judgement->done()) GATEHOUSE_TRY(judgement->Tell(Ask(judgement->wanted())));
//   Use(judgement->verdict());
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gatehouse/result.h"
#include "gatehouse/verdict.h"
#include "policy/answers.h"
#include "policy/category_list.h"
#include "policy/policy.h"
#include "policy/verdict.h"
#include "text/tokenizer.h"

namespace gatehouse {

class Judgement {
 public:
  // policy and tokenizer outlive it. Errors: kBadInput: a category that cannot be told from the words before
  // it, a threshold for a key that does not exist.
  static Result<std::unique_ptr<Judgement>> Begin(const Policy& policy, const Tokenizer& tokenizer,
                                                  std::vector<Category> categories, JudgeOptions options);

  // Questions of different paths; empty once it is done. One round of questions can be answered by one pass.
  const std::vector<Question>& wanted() const { return answers_.wanted(); }
  // answers[i]: to wanted()[i]. Errors: kInternal: another number of answers.
  Result<void> Tell(std::span<const NextToken> answers);
  bool done() const { return done_; }
  // Scores and texts; role, model, usage and timings are the caller's.
  Verdict& verdict() { return verdict_; }

 private:
  Judgement(const Policy& policy, const Tokenizer& tokenizer, std::vector<Category> categories,
            JudgeOptions options);

  // From the start on, as far as what is known allows: each step is cheap beside a pass, and the order of
  // steps stands in one place. False: something is wanted.
  bool Advance();
  bool ReadScores();
  bool ReadList();
  bool ReadFreeAnswer();
  // Whether a score that low can make the message unsafe for any category.
  bool CategoriesMatter() const;
  bool Over(size_t category) const;
  std::vector<Question> FirstQuestions() const;
  std::vector<Question> KeysAlongside() const;

  const Policy& policy_;
  const Tokenizer& tokenizer_;
  const std::vector<Category> categories_;
  const JudgeOptions options_;
  const CategoryLister lister_;
  int32_t safe_ = 0, unsafe_ = 0;
  TokenPath lead_;  // empty: the policy has none
  TokenPath base_;  // the likelier path to `unsafe`, and the separator
  Answers answers_;
  Verdict verdict_;
  bool finite_ = true;
  bool done_ = false;
};

}  // namespace gatehouse

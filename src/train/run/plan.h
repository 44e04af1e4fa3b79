// Plan: which rows a step learns from. Everything follows from the seed, so that step 700 is the same whether
// the run got there in one go or in three.
//
//   const Plan plan = Plan::Make(examples, {.conversations = 32, .passes = 2, .seed = 1});
//   for (int64_t step = 0; step < plan.steps(); ++step) Learn(plan.RowsOf(step));
#pragma once

#include <cstdint>
#include <vector>

#include "train/run/examples.h"

namespace gatehouse::train {

struct PlanOptions {
  int conversations = 32;  // of a step
  double passes = 1;       // over the examples; the last may be a part of one
  int64_t steps = 0;       // so many instead, if it is not 0
  uint64_t seed = 1;
};

class Plan {
 public:
  // examples must outlive it. Errors: kUsage: an option out of range.
  static Result<Plan> Make(const Examples& examples, const PlanOptions& options);

  int64_t steps() const { return steps_; }
  // Indices of rows, all of one role, and all with images or none: they share the policy's words.
  std::vector<size_t> RowsOf(int64_t step);

 private:
  Plan(const Examples& examples, const PlanOptions& options) : examples_(&examples), options_(options) {}
  void MakePass(int64_t pass);

  const Examples* examples_;
  PlanOptions options_;
  int64_t steps_ = 0, steps_of_pass_ = 0;
  int64_t made_ = -1;                         // the pass that `batches_` is of
  std::vector<std::vector<size_t>> batches_;  // of one pass
};

}  // namespace gatehouse::train

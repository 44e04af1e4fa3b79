// BatchMaker: rows of one step as what the network computes: the policy's words once, every conversation with
// its answer behind them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gatehouse/result.h"
#include "policy/policy.h"
#include "policy/prompt.h"
#include "text/tokenizer.h"
#include "train/run/answer.h"
#include "train/run/augmentation.h"
#include "train/run/examples.h"
#include "train/run/picture_reader.h"
#include "train/train_batch.h"

namespace gatehouse::train {

struct BatchOptions {
  int64_t rows = 1024;  // tokens of one pass, the prefix among them; a longer conversation is one of its own
  int64_t longest = 1024;  // tokens of a conversation; longer ones are left out, and counted
  AnswerWeights answer{};
  AugmentationOptions augmentation;
  uint64_t seed = 1;
  int parts = 1;  // of a step, whose gradients are computed apart and then added up
};

// What one step computes, in several passes whose gradients are added.
struct StepBatches {
  std::vector<TrainBatch> passes;
  std::vector<size_t> part_ends;  // [parts]: behind the last pass of each
  int64_t conversations = 0;
  int64_t tokens = 0;    // rows of all passes
  int64_t left_out = 0;  // too long, or of no use under this step's list
};

class BatchMaker {
 public:
  // policy and tokenizer must outlive it.
  // pictures: of conversations with images; null: these are an error.
  BatchMaker(const Policy& policy, const Tokenizer& tokenizer, const BatchOptions& options,
             PictureReader* pictures = nullptr)
      : policy_(policy), tokenizer_(tokenizer), options_(options), pictures_(pictures) {}

  // rows: indices, all of one role, and all with images or none. Errors: kBadInput: a row that the policy
  // cannot be asked about.
  Result<StepBatches> Make(const Examples& examples, const std::vector<size_t>& rows, int64_t step);

  // Rows of its own that a conversation takes, its answer among them, under the policy's own list.
  Result<int64_t> TokensOf(const EvalRow& row);

 private:
  const Policy& policy_;
  const Tokenizer& tokenizer_;
  const BatchOptions options_;
  PictureReader* const pictures_;
  FixedTextCache fixed_;
};

}  // namespace gatehouse::train

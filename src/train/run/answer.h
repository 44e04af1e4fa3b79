// What a model is to say after a prompt: the verdict, and of an unsafe one the list of categories, as tokens
// with the weight that each has in the loss.
//
//   const Answer answer = AnswerTo(policy, tokenizer, {.unsafe = true, .keys = {"S1"}}, {.list = 0.35});
//   answer.ids;      // of "unsafe\nS1" and what ends it
//   answer.weights;  // 1 for the first, 0.35 shared by the rest
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse::train {

struct WantedVerdict {
  bool unsafe = false;
  bool knows_keys = true;           // false: the list teaches nothing
  std::vector<std::string> keys{};  // in the order of the prompt's list
};

struct AnswerWeights {
  double list = 0.35;  // of the list as a whole; that of the verdict's first token is 1
};

struct Answer {
  std::vector<int32_t> ids;
  std::vector<float>
      weights;  // [ids]: of each as what is wanted; trailing tokens without weight are left out
};

Answer AnswerTo(const Policy& policy, const Tokenizer& tokenizer, const WantedVerdict& wanted,
                const AnswerWeights& weights);

}  // namespace gatehouse::train

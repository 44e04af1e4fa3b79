// TrainConfig: the settings of a run, as a file says them (configs/).
//
//   {"model": "...", "policy": "models/starter/policy.json", "data": ["text/train.jsonl.gz"],
//    "where": {"split": "train"}, "lora": {"rank": 20, "alpha": 40}, "passes": 2, "rate": 2e-4}
//
// Paths of model and policy are those of the working directory; of data, of the data root. docs/training.md
// lists all members.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"
#include "train/run/examples.h"
#include "train/run/trainer.h"

namespace gatehouse::train {

struct TrainConfig {
  std::string model;   // empty: the command line says it
  std::string policy;  // empty: the model's
  std::vector<std::string> data;
  std::string dtype = "bf16";  // of the products with frozen weights: bf16 or f32
  ExampleOptions examples;
  TrainOptions options;
};

// Errors: kUsage, naming the member: what is unknown, of another type or out of range.
Result<TrainConfig> ParseTrainConfig(std::string_view json, const std::string& name);

}  // namespace gatehouse::train

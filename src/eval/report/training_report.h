// TrainingReport: a run of training, step by step, and its page, which may be made again while the run goes
// on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse {

struct TrainingStep {
  int64_t step = 0;            // from 0
  std::optional<double> loss;  // mean over the step's conversations; absent: none, or not finite
  double norm = 0;             // of the gradient
  double rate = 0;             // of learning
  double seconds = 0;
  int64_t conversations = 0, tokens = 0, left_out = 0;
  bool skipped = false;  // loss or gradient was not finite: the step changed nothing
};

struct TrainingReport {
  std::string name;   // of the run
  int64_t steps = 0;  // of the whole run
  std::vector<TrainingStep> taken;
};

std::string TrainingPage(const TrainingReport& report);

// The least top of an axis that holds `largest` and whose quarters are round numbers; 1 for nothing above 0.
double AxisTop(double largest);

}  // namespace gatehouse

#include <limits>

#include "report_examples.h"

namespace gatehouse {
namespace {

// Rates 40, 30, 20, 10 percent with intervals of a point around, and what follows.
SystemRate RateOf(int64_t rows, double none) {
  SystemRate out;
  out.counted = rows;
  for (size_t i = 0; i < kFilterCount; ++i) {
    const double value = none - 0.1 * static_cast<double>(i);
    out.filters[i] = {value, Interval{value - 0.01, value + 0.01}, {}};
    if (i > 0) out.filters[i].change = {value - none, {value - none - 0.01, value - none + 0.01}};
  }
  out.output_to_input = {0.1, {-0.05, 0.25}};
  return out;
}

}  // namespace

SystemReport ExampleSystem(const std::string& text) {
  SystemReport out;
  out.model = out.policy = out.data = out.made = text;
  out.threshold = 0.5;
  out.category_names = {{"S1", text}};
  out.n = 1234;
  out.prompts = 77;
  out.overall = {"all", {1234, RateOf(1234, 0.4), RateOf(1234, 0.5), RateOf(100, 0.6)}};
  out.dimensions = {{"source", {{text, out.overall.figures}}}, {"category", {{"S1", out.overall.figures}}}};
  for (size_t i = 1; i < kFilterCount; ++i) {
    out.curves[i] = {
        {std::numeric_limits<double>::infinity(), 0.4, 0.5, 0.6}, {0.5, 0.2, 0.6, 0.7}, {0, 0, 1, 1}};
    out.cost[i] = FilterCost{12.5, 10, 20};
  }
  out.answers_saved = 0.25;
  return out;
}

TrainingReport ExampleTraining(const std::string& name, int steps) {
  TrainingReport out{name, steps, {}};
  uint64_t noise = 1;
  for (int i = 0; i < steps; ++i) {
    noise = noise * 6364136223846793005u + 1442695040888963407u;
    const double draw = static_cast<double>(noise >> 40) / static_cast<double>(1 << 24);  // 0 to 1
    const double done = static_cast<double>(i) / steps;
    TrainingStep step;
    step.step = i;
    step.loss = 0.25 + 1.2 / (1 + 20 * done) + 0.3 * (draw - 0.5);
    step.norm = 0.5 + draw;
    step.rate = 2e-4 * (1 - done);
    step.seconds = 2 + draw;
    step.conversations = 24;
    step.tokens = 1024;
    out.taken.push_back(step);
  }
  return out;
}

}  // namespace gatehouse

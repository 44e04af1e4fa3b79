#include "train/adamw.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace gatehouse::train {
namespace {

Result<void> CheckRange(const char* name, double value, double least, double below) {
  if (value >= least && value < below) return {};
  return UsageError("out of range", name, std::to_string(least) + " .. " + std::to_string(below),
                    std::to_string(value));
}

}  // namespace

Result<AdamW> AdamW::Create(std::vector<TrainedTensor> tensors, const AdamWOptions& options,
                            Operations& ops) {
  GATEHOUSE_TRY(CheckRange("beta1", options.beta1, 0, 1));
  GATEHOUSE_TRY(CheckRange("beta2", options.beta2, 0, 1));
  GATEHOUSE_TRY(CheckRange("eps", options.eps, 1e-30, 1));
  GATEHOUSE_TRY(CheckRange("decay", options.decay, 0, 1e6));
  GATEHOUSE_TRY(CheckRange("clip", options.clip, 0, 1e30));
  AdamW out(std::move(tensors), options, ops);
  GATEHOUSE_TRY(out.memory_.Lay(ops, [&](Arena& space) {
    for (size_t i = 0; i < out.states_.size(); ++i) {
      const Mat& value = out.tensors_[i].value;
      out.states_[i] = {space.Take(value.rows, value.cols), space.Take(value.rows, value.cols)};
    }
  }));
  for (const State& state : out.states_) {
    ops.Zero(state.first);
    ops.Zero(state.second);
  }
  GATEHOUSE_TRY(ops.Finish());
  return out;
}

Result<AdamW::Taken> AdamW::Step(double rate) {
  double squares = 0;
  for (const TrainedTensor& tensor : tensors_) squares += ops_->SumSquares(tensor.gradient);
  GATEHOUSE_TRY(ops_->Finish());
  const Taken taken = {std::sqrt(squares), std::isfinite(squares)};
  if (!taken.taken) return taken;
  ++steps_;
  const auto count = static_cast<double>(steps_);
  AdamWStep step;
  step.rate = static_cast<float>(rate);
  step.beta1 = static_cast<float>(options_.beta1);
  step.beta2 = static_cast<float>(options_.beta2);
  step.eps = static_cast<float>(options_.eps);
  step.decay = static_cast<float>(options_.decay);
  step.first_share = static_cast<float>(1 / (1 - std::pow(options_.beta1, count)));
  step.second_share = static_cast<float>(1 / (1 - std::pow(options_.beta2, count)));
  if (options_.clip > 0 && taken.norm > options_.clip)
    step.gradient_factor = static_cast<float>(options_.clip / taken.norm);
  for (size_t i = 0; i < tensors_.size(); ++i) {
    ops_->AdamW(step, tensors_[i].gradient, states_[i].first, states_[i].second, tensors_[i].value);
  }
  GATEHOUSE_TRY(ops_->Finish());
  return taken;
}

}  // namespace gatehouse::train

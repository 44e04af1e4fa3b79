#include "train/run/trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/elapsed.h"
#include "base/error.h"
#include "base/input_file.h"
#include "base/output_file.h"
#include "checkpoint/rewrite.h"
#include "train/peft_writer.h"
#include "train/run/adapter_reader.h"
#include "train/run/metrics_file.h"
#include "train/run/metrics_page.h"

namespace gatehouse::train {
namespace {

constexpr int kMostSkipped = 10;  // in a row

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::Create(const Parts& parts, const TrainOptions& options) {
  if (options.save_every < 1)
    return UsageError("out of range", "save_every", "at least 1", std::to_string(options.save_every));
  if (!(options.average_last >= 0 && options.average_last <= 1))
    return UsageError("out of range", "average_last", "0 to 1", std::to_string(options.average_last));
  GATEHOUSE_ASSIGN(Plan plan, Plan::Make(parts.examples, options.plan));
  std::unique_ptr<Trainer> out(new Trainer(parts, options, std::move(plan)));
  const ModelConfig& config = parts.checkpoint.config();
  GATEHOUSE_TRY(out->ChooseWeights());
  GATEHOUSE_ASSIGN(out->network_, Network::Create(config, parts.checkpoint.lookup(), *out->trained_,
                                                  parts.ops, options.recompute));
  GATEHOUSE_ASSIGN(AdamW optimiser, AdamW::Create(out->trained_->tensors(), options.optimiser, parts.ops));
  out->optimiser_ = std::make_unique<AdamW>(std::move(optimiser));
  GATEHOUSE_TRY(out->memory_.Lay(parts.ops, [&](Arena& space) {
    out->sums_.clear();
    for (const TrainedTensor& tensor : out->trained_->tensors())
      out->sums_.push_back(space.Take(tensor.value.rows, tensor.value.cols));
    const Mat& gradients = out->trained_->gradients();
    out->total_ = space.Take(1, options.batch.parts > 1 && parts.peers == nullptr ? gradients.cols : 0);
  }));
  for (const Mat& sum : out->sums_) parts.ops.Zero(sum);
  GATEHOUSE_TRY(MakeDirectories(options.out));
  if (parts.peers != nullptr) GATEHOUSE_TRY(out->TakeLeadersState());
  GATEHOUSE_TRY(out->LoadOwnState());
  return out;
}

Result<void> Trainer::LoadOwnState() {
  progress_.identity = options_.identity;
  GATEHOUSE_ASSIGN(auto found,
                   LoadState(StatePath(), {*trained_, *optimiser_, sums_}, options_.identity, parts_.ops));
  if (!found) return {};
  progress_ = std::move(*found);
  optimiser_->GoOnFrom(progress_.optimiser_steps);
  return {};
}

// The others begin where rank 0 stands, whatever they had.
Result<void> Trainer::TakeLeadersState() {
  std::string state;
  const bool leads = parts_.peers->rank() == 0;
  if (leads) {
    GATEHOUSE_ASSIGN(const bool there, IsThere(StatePath(), ErrorCode::kInternal));
    if (there) {
      GATEHOUSE_ASSIGN(state, ReadFile(StatePath(), size_t{1} << 36, ErrorCode::kInternal));
    }
  }
  GATEHOUSE_TRY(parts_.peers->Tell(&state));
  if (leads) return {};
  if (!state.empty()) return WriteFile(StatePath(), state);
  std::error_code ignored;
  std::filesystem::remove(StatePath(), ignored);
  return {};
}

// Each part's from zero, then added up in their order: so it is the same sum whether one process computes
// them all or each its own.
Result<void> Trainer::ComputeGradients(const StepBatches& batches, double* loss) {
  const Mat& gradients = trained_->gradients();
  Operations& ops = parts_.ops;
  for (size_t part = 0; part < batches.part_ends.size(); ++part) {
    if (parts_.peers != nullptr && static_cast<int>(part) != parts_.peers->rank()) continue;
    trained_->ZeroGradients(ops);
    double of_part = 0;
    for (size_t i = part == 0 ? 0 : batches.part_ends[part - 1]; i < batches.part_ends[part]; ++i) {
      GATEHOUSE_ASSIGN(const double one, network_->Gradients(batches.passes[i]));
      of_part += one;
    }
    *loss += of_part;
    if (total_.cols == 0) continue;
    if (part == 0)
      ops.Copy(gradients, total_);
    else
      ops.Add(gradients, total_);
  }
  if (total_.cols > 0) ops.Copy(total_, gradients);
  if (parts_.peers == nullptr) return ops.Finish();
  std::vector<float> host(static_cast<size_t>(gradients.cols));
  ops.Download(gradients, host);
  GATEHOUSE_TRY(ops.Finish());
  GATEHOUSE_TRY(parts_.peers->Add(host, loss));
  ops.Upload(host, gradients);
  return ops.Finish();
}

Result<void> Trainer::ChooseWeights() {
  const ModelConfig& config = parts_.checkpoint.config();
  if (options_.full) {
    if (!options_.init_adapter.empty())
      return UsageError("an adapter to begin with, where weights themselves are trained", "init_adapter",
                        "none, or LoRA", options_.init_adapter);
    GATEHOUSE_TRY(CheckRewritable(options_.model));
    GATEHOUSE_ASSIGN(FullSet full,
                     FullSet::Create(config, *options_.full, parts_.checkpoint.lookup(), parts_.ops));
    trained_ = std::make_unique<FullSet>(std::move(full));
    return {};
  }
  GATEHOUSE_ASSIGN(LoraSet lora, LoraSet::Create(config, options_.lora, parts_.ops));
  auto owned = std::make_unique<LoraSet>(std::move(lora));
  lora_ = owned.get();
  trained_ = std::move(owned);
  if (!options_.init_adapter.empty()) return ReadAdapter(options_.init_adapter, *lora_, parts_.ops);
  return {};
}

Result<StepReport> Trainer::TakeStep(int64_t step) {
  const Clock::time_point begin = Clock::now();
  StepReport out;
  out.step = step;
  out.steps = plan_.steps();
  out.rate = options_.schedule.RateOf(step, plan_.steps());
  GATEHOUSE_ASSIGN(const StepBatches batches, maker_.Make(parts_.examples, plan_.RowsOf(step), step));
  out.conversations = batches.conversations;
  out.tokens = batches.tokens;
  out.left_out = batches.left_out;
  // Each pass divides by the weight of the whole step: their losses add up to its mean.
  GATEHOUSE_TRY(ComputeGradients(batches, &out.loss));
  if (batches.passes.empty()) {  // nothing of it is of use under its list
    out.seconds = SecondsSince(begin);
    return out;
  }
  out.skipped = !std::isfinite(out.loss);
  if (!out.skipped) {
    GATEHOUSE_ASSIGN(const AdamW::Taken taken, optimiser_->Step(out.rate));
    out.norm = taken.norm;
    out.skipped = !taken.taken;
  }
  out.seconds = SecondsSince(begin);
  return out;
}

Result<void> Trainer::AddToMean() {
  const auto& tensors = trained_->tensors();
  for (size_t i = 0; i < tensors.size(); ++i) parts_.ops.Add(tensors[i].value, sums_[i]);
  ++progress_.averaged;
  return parts_.ops.Finish();
}

Result<void> Trainer::Save() {
  progress_.optimiser_steps = optimiser_->steps();
  return SaveState(StatePath(), {*trained_, *optimiser_, sums_}, progress_, parts_.ops);
}

Result<std::map<std::string, int64_t>> Trainer::TokensBySource() {
  const Examples& examples = parts_.examples;
  std::vector<int64_t> times(examples.rows.size());
  for (const size_t i : examples.pass) ++times[i];
  std::map<std::string, int64_t> out;
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i] == 0) continue;
    GATEHOUSE_ASSIGN(const int64_t tokens, maker_.TokensOf(examples.rows[i]));
    out[examples.rows[i].source] += times[i] * tokens;
  }
  return out;
}

Result<Trial> Trainer::Try(int64_t steps) {
  Trial out;
  double seconds = 0, tokens = 0;
  const int64_t taken = std::min(steps, plan_.steps());
  for (int64_t step = 0; step < taken; ++step) {
    const Clock::time_point begin = Clock::now();
    GATEHOUSE_ASSIGN(const StepBatches batches, maker_.Make(parts_.examples, plan_.RowsOf(step), step));
    trained_->ZeroGradients(parts_.ops);
    for (const TrainBatch& batch : batches.passes) GATEHOUSE_TRY(network_->Gradients(batch));
    seconds += SecondsSince(begin);
    tokens += static_cast<double>(batches.tokens);
  }
  trained_->ZeroGradients(parts_.ops);
  out.seconds_a_step = seconds / static_cast<double>(taken);
  out.tokens_a_step = tokens / static_cast<double>(taken);
  out.tokens_a_second = tokens / std::max(seconds, 1e-9);
  // Values, gradients, the optimiser's two averages and the sum: five times the trained values.
  out.bytes = network_->TapeBytes() + parts_.ops.ScratchBytes() +
              5 * trained_->values() * static_cast<int64_t>(sizeof(float));
  return out;
}

Result<void> Trainer::Run(const std::function<void(const StepReport&)>& report) {
  GATEHOUSE_ASSIGN(MetricsFile metrics,
                   MetricsFile::Open(options_.out + "/metrics.jsonl", progress_.next_step));
  const int64_t steps = plan_.steps();
  const auto first_averaged =
      steps - static_cast<int64_t>(std::llround(options_.average_last * static_cast<double>(steps)));
  double seconds_now = 0;
  const int64_t first = progress_.next_step;
  for (int64_t step = first; step < steps; ++step) {
    GATEHOUSE_ASSIGN(StepReport taken, TakeStep(step));
    seconds_now += taken.seconds;
    taken.seconds_left =
        seconds_now / static_cast<double>(step - first + 1) * static_cast<double>(steps - step - 1);
    progress_.seconds += taken.seconds;
    progress_.skipped += taken.skipped;
    progress_.next_step = step + 1;
    skipped_in_a_row_ = taken.skipped ? skipped_in_a_row_ + 1 : 0;
    GATEHOUSE_TRY(metrics.Add(taken));
    if (skipped_in_a_row_ == kMostSkipped) {
      GATEHOUSE_TRY(WriteMetricsPage(options_.out, steps));
      return InternalError("ten steps in a row whose loss or gradient is not finite",
                           "step " + std::to_string(step));
    }
    if (step >= first_averaged) GATEHOUSE_TRY(AddToMean());
    if (report) report(taken);
    if ((step + 1) % options_.save_every != 0 && step + 1 != steps) continue;
    GATEHOUSE_TRY(Save());
    GATEHOUSE_TRY(WriteMetricsPage(options_.out, steps));
  }
  return WriteResult();
}

Result<void> Trainer::TakeMean() {
  const auto& tensors = trained_->tensors();
  if (progress_.averaged > 0) {
    for (size_t i = 0; i < tensors.size(); ++i) {
      std::vector<float> mean(static_cast<size_t>(sums_[i].rows * sums_[i].cols));
      parts_.ops.Download(sums_[i], mean);
      GATEHOUSE_TRY(parts_.ops.Finish());
      for (float& value : mean) value /= static_cast<float>(progress_.averaged);
      parts_.ops.Upload(mean, tensors[i].value);
    }
    GATEHOUSE_TRY(parts_.ops.Finish());
  }
  return {};
}

Result<void> Trainer::WriteResult() {
  GATEHOUSE_TRY(TakeMean());
  if (lora_ == nullptr) {
    return Rewrite(options_.model, options_.out + "/model",
                   [&](const std::string& name) -> Result<std::optional<std::vector<float>>> {
                     for (const TrainedTensor& tensor : trained_->tensors()) {
                       if (tensor.name != name) continue;
                       std::vector<float> values(static_cast<size_t>(tensor.value.rows * tensor.value.cols));
                       parts_.ops.Download(tensor.value, values);
                       GATEHOUSE_TRY(parts_.ops.Finish());
                       return std::optional(std::move(values));
                     }
                     return std::optional<std::vector<float>>();
                   });
  }
  return WritePeftAdapter(options_.out + "/adapter", parts_.checkpoint.config(), *lora_, options_.base_name,
                          parts_.ops);
}

}  // namespace gatehouse::train

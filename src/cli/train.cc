// gatehouse train: teaches a guard model from labelled conversations, by LoRA or all of it.
#include <fmt/core.h>

#include <map>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/input_file.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/train_flags.h"
#include "eval/run/identity_parts.h"
#include "formats/json.h"
#include "formats/sha256.h"
#include "guard/load.h"
#include "guard/tokenizer_of.h"
#include "policy/verdict.h"
#include "train/cpu_operations.h"
#include "train/run/train_config.h"

namespace gatehouse::cli {
namespace {

using train::Examples;
using train::StepReport;
using train::TrainConfig;

// All that the adapter depends on; another thread count or instruction set gives other bits.
Result<std::string> IdentityOf(const std::string& settings, const GuardOptions& model, const Policy& policy,
                               const std::vector<DatasetReader::Input>& data, const train::Operations& ops,
                               const TrainConfig& config) {
  GATEHOUSE_ASSIGN(const std::string files, ModelFingerprint(model.model));
  Json out = {{"settings", settings},
              {"model", files},
              {"policy", PolicyFingerprint(policy)},
              {"device", ops.Describe()},
              {"steps", config.options.plan.steps},
              {"seed", config.options.plan.seed}};
  if (config.options.batch.parts > 1) out["parts"] = config.options.batch.parts;
  for (const DatasetReader::Input& input : data) {
    GATEHOUSE_ASSIGN(std::string digest, Sha256OfFile(input.path, ErrorCode::kBadInput));
    out["data"].push_back(std::move(digest));
  }
  if (!config.options.init_adapter.empty()) {
    const std::string file = config.options.init_adapter + "/adapter_model.safetensors";
    GATEHOUSE_ASSIGN(out["init_adapter"], Sha256OfFile(file, ErrorCode::kModel));
  }
  return JsonLine(out);
}

// tokens: of a pass, by source; empty: they were not counted.
Result<void> PrintExamples(const Examples& examples, int64_t steps,
                           const std::map<std::string, int64_t>& tokens) {
  const auto counted = [&](const std::string& source) {
    const auto found = tokens.find(source);
    return found == tokens.end() ? std::string("-") : std::to_string(found->second);
  };
  int64_t all_tokens = 0;
  for (const auto& [source, count] : tokens) all_tokens += count;
  GATEHOUSE_TRY(Print("{:28} {:>8} {:>8} {:>8} {:>10} {:>10}\n", "source", "rows", "unsafe", "a pass",
                      "weight", "tokens"));
  train::Examples::Count all;
  for (const auto& [source, count] : examples.by_source) {
    GATEHOUSE_TRY(Print("{:28} {:>8} {:>8} {:>8} {:>10.1f} {:>10}\n", source.substr(0, 28), count.rows,
                        count.unsafe, count.used, count.weight, counted(source)));
    all.rows += count.rows;
    all.unsafe += count.unsafe;
    all.used += count.used;
    all.weight += count.weight;
  }
  GATEHOUSE_TRY(Print("{:28} {:>8} {:>8} {:>8} {:>10.1f} {:>10}\n", "all", all.rows, all.unsafe, all.used,
                      all.weight, tokens.empty() ? "-" : std::to_string(all_tokens)));
  return Print("{} steps; {} rows could not be read, {} were too long\n", steps, examples.problems,
               examples.too_long);
}

std::string InWords(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

Result<int> Train(const TrainFlags& flags) {
  GATEHOUSE_TRY(flags.Check());
  GATEHOUSE_ASSIGN(const std::string settings, ReadFile(flags.config, size_t{4} << 20, ErrorCode::kUsage));
  GATEHOUSE_ASSIGN(TrainConfig config, train::ParseTrainConfig(settings, flags.config));
  flags.ApplyTo(&config);
  GATEHOUSE_ASSIGN(const GuardOptions model, flags.ModelOf(config));
  std::vector<DatasetReader::Input> data;
  for (const std::string& path : config.data) data.push_back({flags.DataPath(path), {}});
  GATEHOUSE_ASSIGN(const Examples examples, train::ReadExamples(data, config.examples));

  GATEHOUSE_ASSIGN(const auto checkpoint, Checkpoint::Open(model.model, model.adapter));
  GATEHOUSE_ASSIGN(const auto tokenizer, TokenizerOf(*checkpoint));
  GATEHOUSE_ASSIGN(const Policy policy, PolicyFor(model, *checkpoint, *tokenizer));
  GATEHOUSE_TRY(CheckPolicy(policy, *tokenizer));
  GATEHOUSE_ASSIGN(const auto ops,
                   train::CreateCpuOperations({.threads = flags.threads, .f32 = config.dtype == "f32"}));
  GATEHOUSE_ASSIGN(config.options.identity, IdentityOf(settings, model, policy, data, *ops, config));
  config.options.model = model.model;
  if (config.options.base_name.empty()) config.options.base_name = model.model;
  std::unique_ptr<train::PictureReader> pictures;
  if (examples.images > 0) {
    GATEHOUSE_ASSIGN(pictures, train::PictureReader::Create(
                                   *checkpoint, {.threads = flags.threads, .f32 = config.dtype == "f32"}));
  }
  std::unique_ptr<train::Peers> peers;
  if (flags.peers.count > 1 && !flags.dry_run) {
    GATEHOUSE_ASSIGN(peers, train::Peers::Gather(flags.peers, config.options.identity));
  }
  GATEHOUSE_ASSIGN(const auto trainer, train::Trainer::Create({*checkpoint, policy, *tokenizer, examples,
                                                               *ops, pictures.get(), peers.get()},
                                                              config.options));
  std::map<std::string, int64_t> tokens;
  if (flags.dry_run) {
    GATEHOUSE_ASSIGN(tokens, trainer->TokensBySource());
  }
  GATEHOUSE_TRY(PrintExamples(examples, trainer->steps(), tokens));
  GATEHOUSE_TRY(Print("{} trained values; {}\n", trainer->trained_values(), ops->Describe()));
  if (flags.dry_run) {
    GATEHOUSE_ASSIGN(const train::Trial trial, trainer->Try(3));
    GATEHOUSE_TRY(Print(
        "about {:.0f} tokens a step, {:.0f} tokens a second, {} for {} steps; {:.2f} GB beside the weights\n",
        trial.tokens_a_step, trial.tokens_a_second,
        InWords(trial.seconds_a_step * static_cast<double>(trainer->steps())), trainer->steps(),
        static_cast<double>(trial.bytes) * 1e-9));
    return 0;
  }
  if (trainer->next_step() > 0)
    Note("goes on with step {} of {}\n", trainer->next_step() + 1, trainer->steps());
  Progress progress("train");
  const Result<void> ran = trainer->Run([&](const StepReport& step) {
    progress.Show(fmt::format("step {} of {}, loss {:.4f}{}, {} left", step.step + 1, step.steps, step.loss,
                              step.skipped ? " (skipped)" : "", InWords(step.seconds_left)),
                  step.step + 1 == step.steps);
  });
  progress.Clear();
  GATEHOUSE_TRY(ran);
  GATEHOUSE_TRY(Print("{}/{}\n", config.options.out, config.options.full ? "model" : "adapter"));
  return 0;
}

}  // namespace

void AddTrain(Command& gatehouse) {
  Command& command =
      gatehouse.Add("train", "Teach a guard model from labelled conversations, by LoRA or all of it");
  command.Footer(
      "Examples:\n"
      "  gatehouse train --config configs/starter.json --data-root data --out out/starter --dry-run\n"
      "  gatehouse train --config configs/starter.json --data-root data --out out/starter\n"
      "  gatehouse convert model out/model --adapter out/starter/adapter");
  auto flags = std::make_shared<TrainFlags>();
  flags->AddTo(command);
  command.Does([flags] { return Train(*flags); });
}

}  // namespace gatehouse::cli

#include "cli/train_flags.h"

#include "base/error.h"

namespace gatehouse::cli {

void TrainFlags::AddTo(Command& command) {
  command.Path("--config", &config, "settings of the run (configs/, docs/training.md)");
  command.Path("--out", &out, "directory of the run: an interrupted one goes on there");
  command.Path("--data-root", &data_root, "where the paths of the settings' data begin (default: here)");
  command.Path("--model", &model, "base model, in place of the settings'");
  command.Path("--policy", &policy, "policy file, in place of the settings'");
  command.Path("--init-adapter", &init_adapter, "adapter to begin with, in place of the settings'");
  command.Value("--steps", &steps, "so many steps, in place of the settings'").AtLeast(1);
  command.Value("--seed", &seed, "in place of the settings'").AtLeast(0);
  command.Value("--threads", &threads, "threads (default: cores that this process or its container may use)")
      .Between(1, 1024);
  command
      .Value("--processes", &peers.count, "so many processes train together, each on its part of every step")
      .Between(1, 1024);
  command.Value("--rank", &peers.rank, "which of them this is, from 0; each has the same settings and data")
      .AtLeast(0);
  command.Value("--leader", &peers.leader, "HOST:PORT where process 0 listens and the others ask");
  command.Flag("--dry-run", &dry_run, "say what would be done, and how long it takes by three steps' time");
}

Result<void> TrainFlags::Check() const {
  if (config.empty()) return UsageError("no settings", "--config", "a file", "nothing");
  if (out.empty()) return UsageError("nowhere to write to", "--out", "a directory", "nothing");
  return {};
}

void TrainFlags::ApplyTo(train::TrainConfig* to) const {
  to->options.out = out;
  if (peers.count > 1) {
    to->options.batch.parts = peers.count;
    // On one machine all may be given one directory.
    if (peers.rank > 0) to->options.out += "/rank-" + std::to_string(peers.rank);
  }
  if (!model.empty()) to->model = model;
  if (!policy.empty()) to->policy = policy;
  if (!init_adapter.empty()) to->options.init_adapter = init_adapter;
  if (steps > 0) to->options.plan.steps = steps;
  if (seed >= 0)
    to->options.lora.seed = to->options.plan.seed = to->options.batch.seed = static_cast<uint64_t>(seed);
}

Result<GuardOptions> TrainFlags::ModelOf(const train::TrainConfig& settings) const {
  if (settings.model.empty()) return UsageError("no model", "--model", "a base model", "nothing");
  GuardOptions out_options;
  out_options.model = settings.model;
  out_options.policy = settings.policy;
  return out_options;
}

std::string TrainFlags::DataPath(const std::string& path) const {
  return data_root.empty() || path.starts_with("/") ? path : data_root + "/" + path;
}

}  // namespace gatehouse::cli

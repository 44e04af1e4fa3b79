// Options of `gatehouse train`.
#pragma once

#include <string>

#include "cli/command.h"
#include "gatehouse/result.h"
#include "train/run/train_config.h"

namespace gatehouse::cli {

struct TrainFlags {
  std::string config, out, data_root, model, policy, init_adapter;
  int threads = 0;
  int64_t steps = 0;
  int64_t seed = -1;
  bool dry_run = false;
  train::PeerOptions peers;  // count 1: none

  void AddTo(Command& command);
  // Errors: kUsage: no settings, no directory to write to.
  Result<void> Check() const;
  // What the command line says counts more than the file.
  void ApplyTo(train::TrainConfig* config) const;
  Result<GuardOptions> ModelOf(const train::TrainConfig& config) const;
  // A file of the data: below the data root, unless its path is whole.
  std::string DataPath(const std::string& path) const;
};

}  // namespace gatehouse::cli

// AdapterConfig: a PEFT adapter's adapter_config.json. Members that change what the adapter computes are an
// allow-list: those that this reads, and those known to change nothing. Any other that says something is
// refused by its name.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/module_pattern.h"
#include "gatehouse/result.h"

namespace gatehouse {

struct AdapterConfig {
  int64_t rank = 0;
  double alpha = 8.0;
  bool sqrt_rank = false;  // scale is alpha / sqrt(rank), not alpha / rank
  bool dora = false;
  std::vector<std::pair<ModulePattern, int64_t>> ranks;  // in the file's order: the first that fits counts
  std::vector<std::pair<ModulePattern, double>> alphas;
  std::vector<std::string> saved_modules;  // modules_to_save
  std::string base;                        // base_model_name_or_path, or empty

  // module: its path as PEFT has it, "model.layers.0.self_attn.q_proj".
  int64_t RankOf(const std::string& module) const;
  double ScaleOf(const std::string& module) const;
};

// Errors: kModel, naming file, member, and what it holds.
Result<AdapterConfig> ReadAdapterConfig(const std::string& path);

}  // namespace gatehouse

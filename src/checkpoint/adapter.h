// Adapter: a PEFT LoRA adapter (adapter_config.json and adapter_model.safetensors), checked and ready to be
// merged: the weight W becomes W + scale * B A, computed in float32.
//
//   GATEHOUSE_ASSIGN(auto adapter, Adapter::Open("models/starter"));
//   if (const LoraDelta* delta = adapter->Find("model.layers.8.self_attn.q_proj.weight")) ...
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse {

struct LoraDelta {
  int64_t rank = 0, rows = 0, cols = 0;
  float scale = 1.0f;
  std::vector<float> a;  // [rank, cols]
  std::vector<float> b;  // [rows, rank]

  // Adds rows first .. first + count of scale * B A to out, f32 [count, cols].
  void AddRows(int64_t first, int64_t count, float* out) const;
};

class Adapter {
 public:
  // Refused by name (kModel): DoRA, modules_to_save, fan_in_fan_out, biases, and whatever else is no plain
  // LoRA.
  static Result<std::shared_ptr<const Adapter>> Open(const std::string& directory);

  // By canonical name of the weight; null where the adapter leaves it alone.
  const LoraDelta* Find(std::string_view name) const;
  const std::map<std::string, LoraDelta, std::less<>>& deltas() const { return deltas_; }
  const std::string& directory() const { return directory_; }

 private:
  std::string directory_;
  std::map<std::string, LoraDelta, std::less<>> deltas_;
};

}  // namespace gatehouse

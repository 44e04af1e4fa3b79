// Adapter: a PEFT LoRA adapter (adapter_config.json and adapter_model.safetensors), checked and ready to be
// merged: the weight W becomes W + scale * B A, computed in float32; with DoRA, each row of that is given the
// length that the adapter says. Whole weights saved beside it (modules_to_save) take the base's place first.
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
#include "tensor/tensor.h"

namespace gatehouse {

struct LoraDelta {
  int64_t rank = 0, rows = 0, cols = 0;
  float scale = 1.0f;
  std::vector<float> a;          // [rank, cols]
  std::vector<float> b;          // [rows, rank]
  std::vector<float> magnitude;  // DoRA: [rows], the lengths of the merged rows; else empty

  // Merges into rows first .. first + count of the weight: values f32 [count, cols].
  void MergeRows(int64_t first, int64_t count, float* values) const;
};

class Adapter {
 public:
  // Refused by name (kModel): whatever adapter_config.h does not know, and tensors that are left over.
  static Result<std::shared_ptr<const Adapter>> Open(const std::string& directory);

  // By canonical name of the weight; null where the adapter leaves it alone.
  const LoraDelta* Find(std::string_view name) const;
  const std::map<std::string, LoraDelta, std::less<>>& deltas() const { return deltas_; }
  // Weights that take the base's place, by canonical name. The views are good as long as this.
  const std::map<std::string, TensorView, std::less<>>& saved() const { return saved_; }
  const std::string& directory() const { return directory_; }

 private:
  friend class AdapterReader;
  std::string directory_;
  std::map<std::string, LoraDelta, std::less<>> deltas_;
  std::map<std::string, TensorView, std::less<>> saved_;
  std::shared_ptr<const void> file_;
};

// Whether a directory holds an adapter and no model. Errors: kModel: it holds both.
Result<bool> IsAdapterDirectory(const std::string& directory);

// The model that an adapter's directory names as its base, where that is a path: from the working directory,
// or from the adapter's own. Errors: kModel: no such path, with what to do.
Result<std::string> BaseOfAdapter(const std::string& directory);

}  // namespace gatehouse

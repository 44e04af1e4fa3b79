#include "train/run/adapter_reader.h"

#include <memory>

#include "base/error.h"
#include "checkpoint/adapter.h"

namespace gatehouse::train {
namespace {

constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";

Error NotThis(const std::string& directory, const std::string& what, const std::string& expected,
              const std::string& found) {
  return ModelError("adapter that this run cannot begin with", directory + ": " + what, expected, found);
}

}  // namespace

Result<void> ReadAdapter(const std::string& directory, const LoraSet& lora, Operations& ops) {
  GATEHOUSE_ASSIGN(const std::shared_ptr<const Adapter> adapter, Adapter::Open(directory));
  if (!adapter->saved().empty())
    return NotThis(directory, "modules_to_save", "matrices of LoRA alone", "whole weights");
  size_t used = 0;
  for (const TrainedTensor& tensor : lora.tensors()) {
    const bool is_a = tensor.name.ends_with(kA);
    const std::string module = tensor.name.substr(0, tensor.name.size() - (is_a ? kA : kB).size());
    const LoraDelta* delta = adapter->Find(module + ".weight");
    if (delta == nullptr) return NotThis(directory, module, "its matrices", "none");
    if (!delta->magnitude.empty()) return NotThis(directory, module, "LoRA", "DoRA");
    const auto rank = is_a ? tensor.value.rows : tensor.value.cols;
    if (delta->rank != rank)
      return NotThis(directory, module, "rank " + std::to_string(rank), std::to_string(delta->rank));
    const double scale = lora.options().alpha / static_cast<double>(lora.options().rank);
    if (delta->scale != static_cast<float>(scale))
      return NotThis(directory, module, "scale " + std::to_string(scale), std::to_string(delta->scale));
    ops.Upload(is_a ? delta->a : delta->b, tensor.value);
    used += is_a;
  }
  if (used != adapter->deltas().size())
    return NotThis(directory, "linears", std::to_string(used), std::to_string(adapter->deltas().size()));
  return ops.Finish();
}

}  // namespace gatehouse::train

#include "train/linear.h"

#include <vector>

namespace gatehouse::train {

Result<AdaptedLinear> AdaptedLinear::Load(const ModelConfig& config, const TensorId& id,
                                          const WeightLookup& lookup, const LoraSet& lora, Operations& ops) {
  const TensorSpec spec = SpecOf(config, id);
  GATEHOUSE_ASSIGN(const WeightView view, lookup(spec));
  AdaptedLinear out;
  GATEHOUSE_ASSIGN(out.weight_, ops.LoadFrozen(view));
  out.lora_ = lora.Find(spec);
  return out;
}

void AdaptedLinear::Forward(Operations& ops, Mat x, Mat y, Mat low) const {
  ops.Linear(x, *weight_, y);
  if (lora_ == nullptr) return;
  ops.Multiply(x, lora_->a, 1.0f, /*adds=*/false, low);
  ops.Multiply(low, lora_->b, lora_->scale, /*adds=*/true, y);
}

void AdaptedLinear::Back(Operations& ops, Mat dy, Mat x, Mat low, Mat low_gradient, Mat dx) const {
  const bool wanted = dx.buffer != nullptr;
  if (wanted) ops.LinearBack(dy, *weight_, dx);
  if (lora_ == nullptr) return;
  ops.MultiplyOuter(dy, low, lora_->scale, lora_->b_gradient);
  ops.MultiplyBack(dy, lora_->b, lora_->scale, /*adds=*/false, low_gradient);
  ops.MultiplyOuter(low_gradient, x, 1.0f, lora_->a_gradient);
  if (wanted) ops.MultiplyBack(low_gradient, lora_->a, 1.0f, /*adds=*/true, dx);
}

Result<NormWeight> NormWeight::Load(const ModelConfig& config, const TensorId& id, const WeightLookup& lookup,
                                    Operations& ops) {
  GATEHOUSE_ASSIGN(const WeightView view, lookup(SpecOf(config, id)));
  std::vector<float> host(static_cast<size_t>(view.rows * view.cols));
  view.ReadRows(0, view.rows, host.data());
  NormWeight out;
  GATEHOUSE_ASSIGN(out.memory, ops.Allocate(view.rows * view.cols));
  out.values = {out.memory.get(), 0, view.rows, view.cols};
  ops.Upload(host, out.values);
  return out;
}

}  // namespace gatehouse::train

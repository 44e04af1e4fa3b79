#include "train/linear.h"

#include <vector>

namespace gatehouse::train {

Result<AdaptedLinear> AdaptedLinear::Load(const ModelConfig& config, const TensorId& id,
                                          const WeightLookup& lookup, const LoraSet& lora, bool goes_back,
                                          Operations& ops) {
  const TensorSpec spec = SpecOf(config, id);
  GATEHOUSE_ASSIGN(const WeightView view, lookup(spec));
  AdaptedLinear out;
  GATEHOUSE_ASSIGN(out.weight_, ops.LoadFrozen(view, goes_back));
  out.lora_ = lora.Find(spec);
  return out;
}

void AdaptedLinear::Forward(Operations& ops, Mat x, Mat y, Mat low) const {
  ops.Linear(x, *weight_, y);
  if (lora_ == nullptr) return;
  ops.Multiply(x, lora_->a, lora_->scale, low);
  ops.MultiplyOnto(low, lora_->b, y);
}

void AdaptedLinear::Back(Operations& ops, Mat dy, Mat x, Mat low, Mat low_gradient, To to) const {
  const bool wanted = to.dx.buffer != nullptr;
  if (wanted) ops.LinearBack(dy, *weight_, to.adds, to.dx);
  if (lora_ == nullptr) return;
  ops.MultiplyOuter(dy, low, lora_->b_gradient);
  ops.MultiplyBack(dy, lora_->b, lora_->scale, low_gradient);
  ops.MultiplyOuter(low_gradient, x, lora_->a_gradient);
  if (wanted) ops.MultiplyBackOnto(low_gradient, lora_->a, to.dx);
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

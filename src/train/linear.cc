#include "train/linear.h"

#include <vector>

#include "base/mix64.h"

namespace gatehouse::train {
namespace {

bool Drops(const LoraPart& lora, const LoraWork& work) {
  return lora.dropout.rate > 0 && work.drop_seed != 0;
}

Dropout DropoutOf(const LoraPart& lora, const LoraWork& work) {
  return {lora.dropout.rate, Mix64(lora.dropout.seed ^ work.drop_seed)};
}

Mat Shaped(const Mat& space, const Mat& like) { return {space.buffer, space.offset, like.rows, like.cols}; }

// x, or in work.dropped what is left of it.
Mat ReadByA(Operations& ops, const LoraPart& lora, const LoraWork& work, Mat x) {
  if (!Drops(lora, work)) return x;
  const Mat out = Shaped(work.dropped, x);
  ops.Drop(x, DropoutOf(lora, work), out);
  return out;
}

}  // namespace

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

void AdaptedLinear::Forward(Operations& ops, Mat x, Mat y, Mat low, const LoraWork& work) const {
  ops.Linear(x, *weight_, y);
  if (lora_ == nullptr) return;
  ops.Multiply(ReadByA(ops, *lora_, work, x), lora_->a, lora_->scale, low);
  ops.MultiplyOnto(low, lora_->b, y);
}

void AdaptedLinear::Back(Operations& ops, Mat dy, Mat x, Mat low, const LoraWork& work, To to) const {
  const bool wanted = to.dx.buffer != nullptr;
  if (wanted) ops.LinearBack(dy, *weight_, to.adds, to.dx);
  if (lora_ == nullptr) return;
  ops.MultiplyOuter(dy, low, lora_->b_gradient);
  ops.MultiplyBack(dy, lora_->b, lora_->scale, work.low_gradient);
  ops.MultiplyOuter(work.low_gradient, ReadByA(ops, *lora_, work, x), lora_->a_gradient);
  if (!wanted) return;
  if (!Drops(*lora_, work)) return ops.MultiplyBackOnto(work.low_gradient, lora_->a, to.dx);
  const Mat through = Shaped(work.dropped, x);
  ops.MultiplyBack(work.low_gradient, lora_->a, 1.0f, through);
  ops.DropOnto(through, DropoutOf(*lora_, work), to.dx);
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

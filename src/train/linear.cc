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
                                          const WeightLookup& lookup, const TrainedWeights& trained,
                                          bool goes_back, Operations& ops) {
  const TensorSpec spec = SpecOf(config, id);
  AdaptedLinear out;
  out.own_ = trained.FindWhole(spec);
  if (out.own_ != nullptr) return out;
  GATEHOUSE_ASSIGN(const WeightView view, lookup(spec));
  GATEHOUSE_ASSIGN(out.weight_, ops.LoadFrozen(view, goes_back));
  out.lora_ = trained.Find(spec);
  return out;
}

void AdaptedLinear::Forward(Operations& ops, Mat x, Mat y, Mat low, const LoraWork& work) const {
  if (own_ != nullptr) return ops.Multiply(x, own_->value, 1.0f, y);
  ops.Linear(x, *weight_, y);
  if (lora_ == nullptr) return;
  ops.Multiply(ReadByA(ops, *lora_, work, x), lora_->a, lora_->scale, low);
  ops.MultiplyOnto(low, lora_->b, y);
}

void AdaptedLinear::Back(Operations& ops, Mat dy, Mat x, Mat low, const LoraWork& work, To to) const {
  const bool wanted = to.dx.buffer != nullptr;
  if (own_ != nullptr) {
    ops.MultiplyOuter(dy, x, own_->gradient);
    if (wanted && to.adds) ops.MultiplyBackOnto(dy, own_->value, to.dx);
    if (wanted && !to.adds) ops.MultiplyBack(dy, own_->value, 1.0f, to.dx);
    return;
  }
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
                                    const TrainedWeights& trained, Operations& ops) {
  const TensorSpec spec = SpecOf(config, id);
  if (const TrainedTensor* own = trained.FindWhole(spec))
    return NormWeight{nullptr, own->value, own->gradient};
  GATEHOUSE_ASSIGN(const WeightView view, lookup(spec));
  std::vector<float> host(static_cast<size_t>(view.rows * view.cols));
  view.ReadRows(0, view.rows, host.data());
  NormWeight out;
  GATEHOUSE_ASSIGN(out.memory, ops.Allocate(view.rows * view.cols));
  out.values = {out.memory.get(), 0, view.rows, view.cols};
  ops.Upload(host, out.values);
  return out;
}

void NormWeight::Back(Operations& ops, Mat x, float eps, Mat dy, Mat dx) const {
  if (gradient.buffer != nullptr) ops.RmsNormWeightBack(x, eps, dy, gradient);
  if (dx.buffer != nullptr) ops.RmsNormBack(x, values, eps, dy, dx);
}

}  // namespace gatehouse::train

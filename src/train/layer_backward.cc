// The way back through a layer. What is cheap (norms, SwiGLU) is computed again rather than kept.
#include "train/layer.h"

namespace gatehouse::train {

void Layer::Back(const LayerPass& pass, const LayerTape& kept) const {
  FeedForwardBack(pass, kept);
  AttentionBack(pass, kept);
}

// out = middle + down(silu(gate) * up): tape.gradient is that of both terms, and stays the first one's share.
void Layer::FeedForwardBack(const LayerPass& pass, const LayerTape& kept) const {
  Operations& ops = pass.ops;
  const LayerWork& work = pass.tape.work;
  const auto back = [&](Linears which, Mat dy, Mat x, AdaptedLinear::To to) {
    linears_[which].Back(ops, dy, x, kept.low[which], work.lora, to);
  };
  ops.SwiGlu(kept.gate, kept.up, work.wide);
  back(kDownLinear, pass.tape.gradient, work.wide, {work.wide_gradient});
  ops.SwiGluBack(work.wide_gradient, kept.gate, kept.up);

  ops.RmsNorm(kept.middle, feed_forward_norm_.values, eps_, work.normed);
  back(kGateLinear, kept.gate, work.normed, {work.normed_gradient});
  back(kUpLinear, kept.up, work.normed, {work.normed_gradient, /*adds=*/true});
  feed_forward_norm_.Back(ops, kept.middle, eps_, work.normed_gradient, pass.tape.gradient);
}

// middle = input + output(attention).
void Layer::AttentionBack(const LayerPass& pass, const LayerTape& kept) const {
  Operations& ops = pass.ops;
  const bool input_wanted = reach_ == Reach::kThrough;
  const LayerWork& work = pass.tape.work;
  const Mat dx = input_wanted ? work.normed_gradient : Mat{};
  const auto back = [&](Linears which, Mat dy, Mat x, AdaptedLinear::To to) {
    linears_[which].Back(ops, dy, x, kept.low[which], work.lora, to);
  };
  back(kOutputLinear, pass.tape.gradient, kept.attended, {work.attended_gradient});
  ops.AttentionBack(pass.rows, shape_, kept.query, kept.key, kept.value, work.attended_gradient,
                    work.query_gradient, work.key_gradient, work.value_gradient);
  PlaceBack(pass, kept.query_raw, work.query_gradient, /*is_query=*/true);
  PlaceBack(pass, kept.key_raw, work.key_gradient, /*is_query=*/false);

  ops.RmsNorm(kept.input, attention_norm_.values, eps_, work.normed);
  back(kQueryLinear, work.query_gradient, work.normed, {dx});
  back(kKeyLinear, work.key_gradient, work.normed, {dx, /*adds=*/true});
  back(kValueLinear, work.value_gradient, work.normed, {dx, /*adds=*/true});
  if (!input_wanted) return;
  attention_norm_.Back(ops, kept.input, eps_, work.normed_gradient, pass.tape.gradient);
}

void Layer::PlaceBack(const LayerPass& pass, Mat raw, Mat gradient, bool is_query) const {
  if (sharpens_ && is_query) pass.ops.ScaleRows(gradient, pass.tape.temperature);
  if (norms_heads_) pass.ops.NormHeadsBack(raw, shape_.head_dim, eps_, gradient);
  if (rotates_) pass.ops.Rotate(gradient, shape_.head_dim, pass.tape.angles, /*back=*/true);
}

}  // namespace gatehouse::train

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "base/error.h"
#include "train/layer.h"

namespace gatehouse::train {
namespace {

// In the order of Linears.
constexpr Weight kWeights[kLinears] = {Weight::kQuery, Weight::kKey, Weight::kValue, Weight::kAttentionOutput,
                                       Weight::kGate,  Weight::kUp,  Weight::kDown};

}  // namespace

Result<Layer> Layer::Load(const ModelConfig& config, int layer, const WeightLookup& lookup,
                          const TrainedWeights& trained, Reach reach, Operations& ops) {
  const auto at = static_cast<size_t>(layer);
  if (config.is_moe[at] != 0)
    return ModelError("not supported in training", "layer " + std::to_string(layer), "a dense network",
                      "experts");
  Layer out;
  // What its first norm put out has a gradient where that norm learns, whoever wants the rest.
  if (trained.Trains(SpecOf(config, {Weight::kAttentionNorm, layer}))) reach = Reach::kThrough;
  out.reach_ = reach;
  out.shape_ = {config.heads, config.kv_heads, config.head_dim,
                1.0f / std::sqrt(static_cast<float>(config.head_dim)),
                config.chunked[at] != 0 ? config.attention_chunk : 0};
  out.eps_ = static_cast<float>(config.norm_eps);
  out.rotates_ = config.uses_rope[at] != 0;
  out.norms_heads_ = out.rotates_ && config.qk_norm;
  out.sharpens_ = !out.rotates_ && config.temperature_tuning;
  GATEHOUSE_ASSIGN(out.attention_norm_,
                   NormWeight::Load(config, {Weight::kAttentionNorm, layer}, lookup, trained, ops));
  GATEHOUSE_ASSIGN(out.feed_forward_norm_,
                   NormWeight::Load(config, {Weight::kFeedForwardNorm, layer}, lookup, trained, ops));
  for (const Weight weight : kWeights) {
    const bool reads_input = weight == Weight::kQuery || weight == Weight::kKey || weight == Weight::kValue;
    const bool goes_back = reach == Reach::kThrough || (reach == Reach::kInto && !reads_input);
    GATEHOUSE_ASSIGN(AdaptedLinear linear,
                     AdaptedLinear::Load(config, {weight, layer}, lookup, trained, goes_back, ops));
    out.linears_.push_back(std::move(linear));
  }
  return out;
}

bool Layer::IsTrained(const ModelConfig& config, int layer, const TrainedWeights& trained) {
  for (const Weight norm : {Weight::kAttentionNorm, Weight::kFeedForwardNorm}) {
    if (trained.Trains(SpecOf(config, {norm, layer}))) return true;
  }
  return std::any_of(std::begin(kWeights), std::end(kWeights), [&](Weight weight) {
    return trained.Trains(SpecOf(config, {weight, layer}));
  });
}

// Brings every head of queries or keys to the row's position.
void Layer::Place(const LayerPass& pass, Mat raw, Mat placed, bool is_query) const {
  if (rotates_) pass.ops.Rotate(raw, shape_.head_dim, pass.tape.angles, /*back=*/false);
  if (norms_heads_) pass.ops.NormHeads(raw, shape_.head_dim, eps_, placed);
  if (sharpens_ && is_query) pass.ops.ScaleRows(placed, pass.tape.temperature);
}

void Layer::Forward(const LayerPass& pass, const LayerTape& kept, Mat out) const {
  Operations& ops = pass.ops;
  const LayerWork& work = pass.tape.work;
  const auto run = [&](Linears which, Mat x, Mat y) {
    linears_[which].Forward(ops, x, y, kept.low[which], work.lora);
  };

  ops.RmsNorm(kept.input, attention_norm_.values, eps_, work.normed);
  run(kQueryLinear, work.normed, kept.query_raw);
  run(kKeyLinear, work.normed, kept.key_raw);
  run(kValueLinear, work.normed, kept.value);
  Place(pass, kept.query_raw, kept.query, /*is_query=*/true);
  Place(pass, kept.key_raw, kept.key, /*is_query=*/false);
  ops.Attention(pass.rows, shape_, kept.query, kept.key, kept.value, kept.attended);
  run(kOutputLinear, kept.attended, kept.middle);
  ops.Add(kept.input, kept.middle);

  ops.RmsNorm(kept.middle, feed_forward_norm_.values, eps_, work.normed);
  run(kGateLinear, work.normed, kept.gate);
  run(kUpLinear, work.normed, kept.up);
  ops.SwiGlu(kept.gate, kept.up, work.wide);
  run(kDownLinear, work.wide, out);
  ops.Add(kept.middle, out);
}

}  // namespace gatehouse::train

// Layer: one layer of a text decoder that is trained: attention and a SwiGLU network, each added to what it
// read. The same network as model/attention_block.cc and model/feed_forward_block.cc, with the way back.
//
//   layer.Forward({*ops, rows, tape}, tape.layers[i], /*out=*/tape.layers[i + 1].input);
//   layer.Back({*ops, rows, tape}, tape.layers[i]);
#pragma once

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/block.h"
#include "train/linear.h"
#include "train/lora.h"
#include "train/operations.h"
#include "train/packed_rows.h"
#include "train/tape.h"

namespace gatehouse::train {

// A batch on its way.
struct LayerPass {
  Operations& ops;
  const PackedRows& rows;
  Tape& tape;
};

class Layer {
 public:
  // Whether anything of it is trained.
  static bool IsTrained(const ModelConfig& config, int layer, const TrainedWeights& trained);

  // How far the way back goes: not to it, into its linears, through it (or to its first norm).
  enum class Reach : uint8_t { kNot, kInto, kThrough };
  // Errors: kModel: a layer with experts.
  static Result<Layer> Load(const ModelConfig& config, int layer, const WeightLookup& lookup,
                            const TrainedWeights& trained, Reach reach, Operations& ops);

  // kept.input [T, hidden] is there; everything else of `kept` is written, and out [T, hidden].
  void Forward(const LayerPass& pass, const LayerTape& kept, Mat out) const;
  // tape.gradient holds the gradient of what Forward wrote, and gets that of kept.input where the way back
  // goes through. Adds to the gradients of the layer's trained matrices. Once for each Forward: kept.gate and
  // kept.up are used up.
  void Back(const LayerPass& pass, const LayerTape& kept) const;

 private:
  void Place(const LayerPass& pass, Mat raw, Mat placed, bool is_query) const;
  void PlaceBack(const LayerPass& pass, Mat raw, Mat gradient, bool is_query) const;
  void FeedForwardBack(const LayerPass& pass, const LayerTape& kept) const;
  void AttentionBack(const LayerPass& pass, const LayerTape& kept) const;

  HeadShape shape_;
  Reach reach_ = Reach::kNot;
  float eps_ = 0.0f;
  bool rotates_ = false, norms_heads_ = false, sharpens_ = false;
  NormWeight attention_norm_, feed_forward_norm_;  // [1, hidden]
  std::vector<AdaptedLinear> linears_;             // by Linears
};

}  // namespace gatehouse::train

// Decoder: the text network of Llama 4 (dense or experts) and of Llama 3, one forward for all of them. What
// differs (rotary pairs, NoPE layers, chunks, experts) comes from the config.
//
//   GATEHOUSE_ASSIGN(auto decoder, Decoder::Create(config, lookup, *backend));
//   GATEHOUSE_TRY(decoder->Forward(batch, *cache, &logits));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/batch.h"

namespace gatehouse {

// Gives a weight by its name in the published layout, without prefixes:
// "model.layers.0.self_attn.q_proj.weight", "lm_head.weight", "vision_model.class_embedding"; experts one by
// one: "...experts.3.gate_proj.weight" [ffn, hidden]. shape is what the config asks for; a weight of another
// shape, or none, is an error (kModel).
using WeightLookup = std::function<Result<WeightView>(const std::string& name, const Shape& shape)>;

// Called with 0 and the embeddings, then with i and the output of layer i; the last one after the final norm.
// values: f32 [rows][hidden].
using HiddenTap = std::function<void(int index, const std::vector<float>& values)>;

// Called where a pass may rest; false: nobody wants it any more.
using BetweenLayers = std::function<bool()>;

class Decoder {
 public:
  static Result<std::unique_ptr<Decoder>> Create(const ModelConfig& config, const WeightLookup& lookup,
                                                 Backend& backend);
  ~Decoder();

  KvShape kv_shape() const;
  const ModelConfig& config() const { return config_; }

  // Runs the batch, writes its keys and values into the cache, and returns the answer to each of
  // batch.questions; rows that nobody asks about leave the last layer with their keys and values. Token ids
  // must be below the vocabulary's size (error kInternal: callers check). between_layers may be empty; one
  // other Forward may run in it, of other sequences. Where it returns false, the pass stops there
  // (kCancelled).
  Result<std::vector<NextToken>> Forward(const Batch& batch, KvCache& cache, const HiddenTap* tap = nullptr,
                                         const BetweenLayers& between_layers = {});
  // Multiply-adds of attention over one key, as a share of those of a row's products.
  double AttentionShare() const;

 private:
  struct Layer;
  struct Work;
  Decoder(const ModelConfig& config, Backend& backend);
  // kept, of the last layer: once the keys and values of all rows are written, only these rows go on.
  void AttentionBlock(size_t index, const std::vector<int32_t>* kept, AttentionLayout* layout,
                      KvCache& cache);
  void KeepRows(const std::vector<int32_t>& kept, AttentionLayout* layout);
  void TurnHeads(size_t index, Mat heads);
  void FeedForwardBlock(size_t index);
  void Experts(const Layer& layer, Mat normed, Mat out);

  ModelConfig config_;
  Backend& backend_;
  std::vector<float> frequencies_;
  std::unique_ptr<DeviceWeight> embeddings_;
  std::unique_ptr<DeviceWeight> final_norm_;
  std::unique_ptr<DeviceWeight> head_;
  std::vector<Layer> layers_;
  std::unique_ptr<Work> work_;
  std::unique_ptr<Work> other_work_;  // of a Forward within another
};

}  // namespace gatehouse

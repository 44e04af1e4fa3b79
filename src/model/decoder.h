// Decoder: the text network of Llama 4 (dense or experts) and of Llama 3, one forward for all of them: layers
// of blocks (model/block.h) that the config chooses. What differs (rotary pairs, NoPE layers, chunks,
// experts) comes from there.
//
//   GATEHOUSE_ASSIGN(auto decoder, Decoder::Create(config, lookup, *backend));
//   const auto cache = backend->CreateKvCache(decoder->kv_shape());
//   GATEHOUSE_TRY(cache->Reserve(1));
//   Batch batch;
//   batch.sequences.push_back({.pages = {0}, .cached = 0});
//   batch.rows.push_back({.token = 42, .position = 0, .sequence = 0, .parent = -1});
//   batch.questions.push_back({.row = 0, .ids = {7, 8}});
//   GATEHOUSE_ASSIGN(const auto answers, decoder->Forward(batch, *cache));  // answers[0].logits [2]
//
// Calls of Forward come from one thread at a time (backend/backend.h).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "backend/backend.h"
#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/batch.h"
#include "model/block.h"
#include "model/decoder_pass.h"
#include "model/rotary_table.h"

namespace gatehouse {

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
  PassLimits limits() const { return backend_.Limits(); }

  // Runs the batch, writes its keys and values into the cache, and returns the answer to each of
  // batch.questions; rows that nobody asks about leave the last layer with their keys and values. Token ids
  // must be below the vocabulary's size (error kInternal: callers check). between_layers may be empty; one
  // other Forward may run in it, of other sequences. Where it returns false, the pass stops there
  // (kCancelled). After an error the rows' slots hold anything, and the decoder is as before.
  Result<std::vector<NextToken>> Forward(const Batch& batch, KvCache& cache, const HiddenTap* tap = nullptr,
                                         const BetweenLayers& between_layers = {});
  // Multiply-adds of attention over one key, as a share of those of a row's products.
  double AttentionShare() const;
  // Bytes of a pass within another, both as large as the backend likes; what the backend itself needs besides
  // is Backend::ScratchBytes.
  int64_t PassBytes() const;

 private:
  using Layer = std::vector<std::unique_ptr<Block>>;
  Decoder(const ModelConfig& config, Backend& backend);
  Result<std::vector<NextToken>> Run(DecoderPass& pass, const Batch& batch, KvCache& cache,
                                     const HiddenTap* tap, const BetweenLayers& between_layers);

  ModelConfig config_;
  Backend& backend_;
  RotaryTable rotary_;
  std::unique_ptr<DeviceWeight> embeddings_;
  std::unique_ptr<DeviceWeight> final_norm_;
  std::unique_ptr<DeviceWeight> head_;
  std::vector<Layer> layers_;
  // Of a pass, and of one within it.
  std::array<std::unique_ptr<DecoderPass>, 2> passes_;
  size_t open_ = 0;  // how many of them are under way
};

}  // namespace gatehouse

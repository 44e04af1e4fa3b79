// Network: a text decoder (Llama 3, or the text of a dense Llama 4) of which something is trained: LoRA's
// matrices beside weights that stay, or weights themselves.
//
//   GATEHOUSE_ASSIGN(auto ops, CreateCpuOperations({.threads = 2}));
//   GATEHOUSE_ASSIGN(LoraSet lora, LoraSet::Create(checkpoint->config(), {.rank = 20}, *ops));
//   GATEHOUSE_ASSIGN(auto network, Network::Create(checkpoint->config(), checkpoint->lookup(), lora, *ops));
//   lora.ZeroGradients(*ops);
//   GATEHOUSE_ASSIGN(const double loss, network->Gradients(batch));   // in lora.tensors()
//
// What it computes is what model/decoder.h computes, with the same kernels.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "formats/model_config.h"
#include "gatehouse/result.h"
#include "model/block.h"
#include "train/layer.h"
#include "train/linear.h"
#include "train/lora.h"
#include "train/operations.h"
#include "train/tape.h"
#include "train/train_batch.h"

namespace gatehouse::train {

class Network {
 public:
  // trained and ops must outlive it, and the checkpoint behind lookup too. again: layers are computed a
  // second time on the way back instead of being kept, for the memory of one in place of all. Errors: kModel:
  // experts, weights that are not there.
  static Result<std::unique_ptr<Network>> Create(const ModelConfig& config, const WeightLookup& lookup,
                                                 const TrainedWeights& trained, Operations& ops,
                                                 bool again = false);

  // Logits after the rows named, [read][vocab].
  Result<std::vector<float>> Logits(const PackedRows& rows, std::span<const int32_t> ids,
                                    std::span<const int32_t> read,
                                    std::span<const PictureRows> pictures = {});
  Result<double> Loss(const TrainBatch& batch);
  // The loss, too; its gradients are added to those of the trained matrices.
  Result<double> Gradients(const TrainBatch& batch);

  int64_t TapeBytes() const { return tape_.bytes(); }

 private:
  Network(const ModelConfig& config, const TrainedWeights& trained, Operations& ops, bool again)
      : config_(config), rank_(trained.rank()), drops_(trained.drops()), again_(again), ops_(ops) {}
  Result<void> Check(const PackedRows& rows, std::span<const int32_t> ids, std::span<const int32_t> read,
                     std::span<const PictureRows> pictures) const;
  Result<void> Forward(const PackedRows& rows, std::span<const int32_t> ids, std::span<const int32_t> read,
                       std::span<const PictureRows> pictures, uint64_t drop_seed);
  void PlacePositions(const PackedRows& rows);
  Result<double> LossOfLogits(const TrainBatch& batch);  // logits become their gradient
  void Back(const TrainBatch& batch, std::span<const int32_t> read);
  void ForwardOf(size_t layer, const PackedRows& rows);

  ModelConfig config_;
  int64_t rank_;
  bool drops_, again_;
  Operations& ops_;
  std::vector<float> frequencies_;                 // [head_dim / 2]
  WeightView embeddings_;                          // [vocab, hidden]
  const TrainedTensor* own_embeddings_ = nullptr;  // in its place, where it is trained
  std::vector<Layer> layers_;
  NormWeight final_norm_;              // [1, hidden]
  std::optional<AdaptedLinear> head_;  // [vocab, hidden]
  size_t first_trained_ = 0;           // layers before it need no gradient
  Tape tape_;
};

}  // namespace gatehouse::train
